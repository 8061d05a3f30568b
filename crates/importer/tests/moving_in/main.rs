//! Imports from a legacy database into ours. Both are schemas of one database here, so that plain SQL, which knows
//! nothing of the importer, compares them row by row.

mod dry_run;
mod fixture;
mod going_on;
mod interrupted;
mod oddities;
mod repeated;
mod resume;
mod row_by_row;
