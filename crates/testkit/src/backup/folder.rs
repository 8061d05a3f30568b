use std::{collections::BTreeMap, fs, io, path::Path};

use crate::Fault;

/// Every file below a folder: its path from there, and its bytes. None when there is no folder.
///
/// # Errors
/// When one cannot be read.
pub fn files_below(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, Fault> {
    let mut found = BTreeMap::new();
    match gather(folder, "", &mut found) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Fault::while_doing(format!("read {}", folder.display()))(error))
        }
        _ => Ok(found),
    }
}

fn gather(folder: &Path, above: &str, found: &mut BTreeMap<String, Vec<u8>>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{above}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            gather(&entry.path(), &format!("{name}/"), found)?;
        } else {
            found.insert(name, fs::read(entry.path())?);
        }
    }
    Ok(())
}

/// Copies what is in one folder into another.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), Fault> {
    let write = |name: &str, bytes: &[u8]| {
        let path = to.join(name);
        fs::create_dir_all(path.parent().unwrap_or(to))?;
        fs::write(path, bytes)
    };
    for (name, bytes) in files_below(from)? {
        write(&name, &bytes).map_err(Fault::while_doing(format!("copy {name}")))?;
    }
    Ok(())
}

/// Makes sure that there is an empty folder in this place.
///
/// # Errors
/// When what is there cannot be removed.
pub fn emptied(folder: &Path) -> Result<(), Fault> {
    let emptied = match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => fs::create_dir_all(folder),
    };
    emptied.map_err(Fault::while_doing(format!("empty {}", folder.display())))
}
