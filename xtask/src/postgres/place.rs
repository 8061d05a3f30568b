//! The folder a cluster lives in: where PostgreSQL's user can reach it, and one owner at a time.

use std::{
    env,
    fs::{self, File, TryLockError},
    hash::{DefaultHasher, Hash, Hasher},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf, absolute},
};

use super::{ClusterError, user::User};

/// Creates `wanted`, or its stand-in in the temporary folder when `user` cannot get there, for
/// example into a checkout below the administrator's closed home.
pub(super) fn reachable(wanted: &Path, user: &User) -> Result<PathBuf, ClusterError> {
    let failed = |path: &Path| ClusterError::while_doing(format!("create {}", path.display()));
    let wanted = absolute(wanted).map_err(failed(wanted))?;
    fs::create_dir_all(&wanted).map_err(failed(&wanted))?;
    // Its own rights are ours to set; those of the folders above are not.
    let above = wanted.parent().unwrap_or(&wanted);
    if *user == User::Caller || user.can_enter(above) {
        return Ok(wanted);
    }
    let open = [env::temp_dir(), "/tmp".into(), "/var/tmp".into()]
        .into_iter()
        .find(|folder| user.can_enter(folder))
        .ok_or_else(|| ClusterError::NotOurs(wanted.clone()))?;
    let stand_in = open.join(stand_in_name(&wanted));
    create_in_public(&stand_in, user)?;
    Ok(stand_in)
}

fn stand_in_name(wanted: &Path) -> String {
    let mut hasher = DefaultHasher::new();
    wanted.hash(&mut hasher);
    format!("messaging-postgres-{:016x}", hasher.finish())
}

// Anybody can create anything there, so what exists must be a folder that only we or PostgreSQL's user could make.
fn create_in_public(folder: &Path, user: &User) -> Result<(), ClusterError> {
    match fs::DirBuilder::new().mode(0o755).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            let doing = format!("create {}", folder.display());
            return Err(ClusterError::System(doing, error));
        }
        _ => {}
    }
    let found = fs::symlink_metadata(folder)
        .map_err(ClusterError::while_doing(format!("look at {}", folder.display())))?;
    let trusted = match user {
        User::Caller => true,
        User::Unprivileged { uid, .. } => found.uid() == 0 || found.uid() == *uid,
    };
    if found.is_dir() && trusted { Ok(()) } else { Err(ClusterError::NotOurs(folder.to_owned())) }
}

/// Takes possession of `directory` for as long as the file is kept. It stands beside the directory,
/// since an ephemeral one is removed while it is held.
pub(super) fn lock(directory: &Path) -> Result<File, ClusterError> {
    let doing = || ClusterError::while_doing(format!("lock {}", directory.display()));
    if let Some(above) = directory.parent() {
        fs::create_dir_all(above).map_err(doing())?;
    }
    let file = File::create(directory.with_extension("lock")).map_err(doing())?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ClusterError::Busy(directory.to_owned())),
        Err(TryLockError::Error(error)) => Err(doing()(error)),
    }
}

/// Removes a folder with all that is in it, or a file. Fine when there is none.
pub(super) fn remove(path: &Path) -> Result<(), ClusterError> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            let doing = format!("remove {}", path.display());
            Err(ClusterError::System(doing, error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_project_has_its_own_stand_in() {
        let [one, other] = ["/a/target", "/b/target"].map(|path| stand_in_name(Path::new(path)));
        assert_ne!(one, other);
        assert_eq!(one, stand_in_name(Path::new("/a/target")));
    }

    #[test]
    fn a_link_left_in_the_way_is_not_followed() {
        let user = User::choose().expect("a user");
        let link = env::temp_dir().join(format!("place-test-{}", std::process::id()));
        std::os::unix::fs::symlink("/etc", &link).expect("a link");
        let refused = create_in_public(&link, &user);
        fs::remove_file(&link).expect("ours");
        assert!(matches!(refused, Err(ClusterError::NotOurs(_))));
    }
}
