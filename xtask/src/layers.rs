//! `cargo xtask layers`: dependencies point inwards and are in the plan; files of one crate do not use one another in a
//! circle; events of conversations are constructed by the rules alone.

mod events;
mod plan;
mod rules;

use plan::{CIRCLES, DOMAIN_MAY_USE, EVENT_WRITERS, RULES};
use rules::{Kind, Package};
use xtask::workspace;

use crate::{
    failure::{Failure, no_arguments},
    run,
};

/// Reads the dependencies of every crate, and fails with all that are not allowed.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    no_arguments(arguments)?;
    let members = list(&["--workspace", "--depth", "0"])?;
    let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
    let mut wrong = rules::unlisted(RULES, &names);
    for rule in RULES.iter().filter(|rule| names.contains(&rule.of)) {
        for kind in [Kind::Normal, Kind::Build, Kind::Dev] {
            let edges = ["-p", rule.of, "-e", kind.name(), "--depth", "1"];
            wrong.extend(rule.violations(kind, &list(&edges)?, &names));
        }
    }
    let below_domain = list(&["-p", "domain", "-e", "normal"])?;
    wrong.extend(rules::foreign_packages(DOMAIN_MAY_USE, &below_domain));
    wrong.extend(rules::circle_faults(CIRCLES)?);
    wrong.extend(events::event_faults(EVENT_WRITERS)?);
    if !wrong.is_empty() {
        return Err(Failure::Other(wrong.join("\n")));
    }
    println!(
        "{} crates, every edge points inwards; {} circles of files, each listed",
        names.len(),
        CIRCLES.len()
    );
    Ok(())
}

fn list(arguments: &[&str]) -> Result<Vec<Package>, Failure> {
    let mut command = workspace::cargo(["tree", "--prefix", "none", "-f", "{p}|{f}"]);
    let text = run::output(command.args(arguments))?;
    Ok(rules::parse(&text))
}
