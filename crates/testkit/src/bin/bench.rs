//! Measures a server and prints a report in Markdown.

use std::{io::stdout, path::PathBuf, process::ExitCode, time::Duration};

use clap::{CommandFactory, Error, Parser, Subcommand, ValueEnum, error::ErrorKind};
use testkit::{
    Fault,
    bench::{
        Bookings, PAIRS_DEFAULT, PAIRS_MAX, Plan, Profile, SavedRun, Subject, Work, new_file, run,
    },
    mail_drill,
    reference::Size,
    resume_load,
};

const DURATION_S: u64 = 20;
const QUICK_S: u64 = 4;

/// Measures a server on a PostgreSQL, prints a report in Markdown, and saves its figures as JSON.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Arguments {
    /// A superuser's URL of the cluster; a new database is created there, and dropped at the end.
    #[arg(long, required_unless_present = "check")]
    database_url: Option<String>,
    /// The server's program.
    #[arg(long, required_unless_present = "check")]
    server: Option<PathBuf>,
    /// Only check the arguments.
    #[arg(long, hide = true)]
    check: bool,
    /// Shorter measurements, for a first look.
    #[arg(long)]
    quick: bool,
    /// Run only these measurements.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "NAME[,NAME]")]
    profile: Vec<Profile>,
    /// Pairs of a salon and a client in the measurements of sends, each with a conversation; one
    /// measurement for each number [default: 32,256].
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "N[,M]",
        value_parser = clap::value_parser!(u16).range(1..=i64::from(PAIRS_MAX))
    )]
    pairs: Vec<u16>,
    /// The number of messages in the large history.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(200..))]
    messages: u32,
    /// A new file for the figures [default: in target/bench, named after the time].
    #[arg(long, global = true, value_name = "FILE", value_parser = new_file)]
    save: Option<PathBuf>,
    /// Compare with the run whose figures are in this file.
    #[arg(long, global = true, value_name = "FILE", value_parser = SavedRun::read)]
    against: Option<SavedRun>,
    /// Run only this measurement.
    #[command(subcommand)]
    only: Option<Only>,
}

impl Arguments {
    /// The plan; none if the arguments were only to be checked.
    fn plan(self) -> Result<Option<Plan>, Error> {
        let work = self.work()?;
        let seconds = if self.quick { QUICK_S } else { DURATION_S };
        let place = self.database_url.zip(self.server).filter(|_| !self.check);
        Ok(place.map(|(database_url, server)| Plan {
            database_url,
            server,
            messages: self.messages,
            duration: Duration::from_secs(seconds),
            save: self.save,
            against: self.against,
            work,
        }))
    }

    fn work(&self) -> Result<Work, Error> {
        let Some(only) = self.only else {
            return Ok(Work::Profiles { profiles: self.profiles(), pairs: self.pairs() });
        };
        if self.profile.is_empty() && self.pairs.is_empty() {
            return Ok(Work::Separate(only.subject()));
        }
        let text = "a measurement that runs separately has neither `--profile` nor `--pairs`";
        Err(Self::command().error(ErrorKind::ArgumentConflict, text))
    }

    fn profiles(&self) -> Vec<Profile> {
        match self.profile.as_slice() {
            [] => Profile::value_variants().to_vec(),
            some => some.to_vec(),
        }
    }

    /// Each number once, in ascending order.
    fn pairs(&self) -> Vec<u16> {
        let mut pairs = match self.pairs.as_slice() {
            [] => PAIRS_DEFAULT.to_vec(),
            some => some.to_vec(),
        };
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }
}

/// The measurements that run separately.
#[derive(Clone, Copy, Debug, Subcommand)]
enum Only {
    /// Clients whose connections are cut repeatedly, on a server that is killed repeatedly.
    ResumeLoad {
        /// Clients, five in each conversation.
        #[arg(long, default_value_t = 500)]
        clients: usize,
        /// Messages a second, over all conversations.
        #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
        messages_per_second: u32,
        /// How often the server is killed.
        #[arg(long, default_value_t = 10)]
        restarts: usize,
        /// The time between kills, in seconds.
        #[arg(long, default_value_t = 5)]
        restart_interval_s: u64,
        /// The maximum lifetime of a connection, in seconds; the minimum is a quarter of it.
        #[arg(long, default_value_t = 6)]
        cut_after_max_s: u64,
    },
    /// Clients that stop reading under load.
    Slow {
        /// All clients.
        #[arg(long, default_value_t = 1_000)]
        clients: usize,
        /// The clients that stop reading.
        #[arg(long, default_value_t = 100)]
        slow: usize,
    },
    /// Authenticated idle sockets.
    Sockets {
        /// The number of sockets.
        #[arg(long, default_value_t = 10_000)]
        count: usize,
    },
    /// Appointment reports with a PostgreSQL outage.
    Bookings {
        /// The number of reports, each about a different booking.
        #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
        reports: u32,
        /// The duration of the PostgreSQL outage, in seconds.
        #[arg(long, default_value_t = 30)]
        outage_s: u64,
    },
    /// Notification mails, with a failing mail server and a server that is killed.
    Mails {
        /// The number of people who are notified.
        #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
        notices: u32,
        /// How often the server is killed.
        #[arg(long, default_value_t = 10)]
        kills: usize,
    },
    /// An import from a database of the former application.
    Import {
        /// The number of conversations.
        #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(50..))]
        conversations: u32,
        /// The number of messages.
        #[arg(long, default_value_t = 500_000)]
        messages: u32,
    },
}

impl Only {
    fn subject(self) -> Subject {
        match self {
            Self::ResumeLoad {
                clients,
                messages_per_second,
                restarts,
                restart_interval_s,
                cut_after_max_s,
            } => Subject::ResumeLoad(resume_load::Plan {
                clients,
                messages_per_second,
                restarts,
                restart_interval: Duration::from_secs(restart_interval_s),
                cut_after_max: Duration::from_secs(cut_after_max_s),
            }),
            Self::Slow { clients, slow } => Subject::SlowReaders { clients, slow },
            Self::Sockets { count } => Subject::IdleSockets { count },
            Self::Bookings { reports, outage_s } => Subject::Bookings(Bookings {
                reports: usize::try_from(reports).unwrap_or(usize::MAX),
                outage: Duration::from_secs(outage_s),
            }),
            Self::Mails { notices, kills } => Subject::Mails(mail_drill::Plan {
                notices: usize::try_from(notices).unwrap_or(usize::MAX),
                kills,
            }),
            Self::Import { conversations, messages } => {
                Subject::MovingIn(Size { conversations, messages })
            }
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let plan = match Arguments::parse().plan() {
        Ok(Some(plan)) => plan,
        Ok(None) => return ExitCode::SUCCESS,
        // With status 2, as all wrong arguments.
        Err(wrong) => wrong.exit(),
    };
    match run(&plan, &mut stdout()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => fail(&fault),
    }
}

#[expect(clippy::print_stderr, reason = "this is what a command line tool fails with")]
fn fail(fault: &Fault) -> ExitCode {
    eprintln!("bench: {}", fault.chain());
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: [&str; 5] = ["bench", "--database-url", "postgres://x", "--server", "server"];

    fn plan(arguments: &[&str]) -> Result<Option<Plan>, Error> {
        Arguments::try_parse_from(PLACE.iter().chain(arguments))?.plan()
    }

    fn profiles(arguments: &[&str]) -> (Vec<Profile>, Vec<u16>) {
        match plan(arguments).expect("right arguments").expect("a plan").work {
            Work::Profiles { profiles, pairs } => (profiles, pairs),
            Work::Separate(subject) => panic!("a separate measurement: {subject:?}"),
        }
    }

    #[test]
    fn without_arguments_every_profile_runs_with_32_and_256_pairs() {
        let (profiles, pairs) = profiles(&[]);
        assert_eq!(profiles, Profile::value_variants());
        assert_eq!(pairs, [32, 256]);
    }

    #[test]
    fn profiles_and_pairs_can_be_chosen_and_each_number_counts_once() {
        let arguments = ["--profile", "reader-away,closed-loop", "--pairs", "256,7,256"];
        let expected = (vec![Profile::ReaderAway, Profile::ClosedLoop], vec![7, 256]);
        assert_eq!(profiles(&arguments), expected);
    }

    #[test]
    fn wrong_arguments_end_with_status_2_before_anything_starts() {
        let table: [&[&str]; 10] = [
            &["--profile", "writers"],
            &["--pairs", "0"],
            &["--pairs", "32,2001"],
            &["--pairs", "many"],
            &["--pairs", ""],
            &["--against", "/there/is/no/such/file.json"],
            &["--against", "Cargo.toml"],
            &["--save", "Cargo.toml"],
            &["sockets", "--against", "Cargo.toml"],
            &["--pairs", "32", "sockets"],
        ];
        for arguments in table {
            let wrong = plan(arguments).expect_err("wrong arguments");
            assert_eq!(wrong.exit_code(), 2, "{arguments:?}");
        }
    }

    #[test]
    fn a_check_needs_no_place_and_plans_nothing() {
        let check = |arguments: &[&str]| {
            let all = ["bench", "--check"].iter().chain(arguments);
            Arguments::try_parse_from(all).and_then(Arguments::plan)
        };
        assert!(check(&["--pairs", "32"]).expect("right arguments").is_none());
        assert_eq!(check(&["--pairs", "0"]).expect_err("wrong arguments").exit_code(), 2);
        let nowhere = Arguments::try_parse_from(["bench"]).expect_err("no place");
        assert_eq!(nowhere.exit_code(), 2);
    }
}
