//! Moving in, from a database as the former application keeps it into ours. Both are in one database
//! here, so that plain SQL, which knows nothing of the importer, compares them row by row.

mod dry_run;
mod fixture;
mod going_on;
mod interrupted;
mod oddities;
mod repeated;
mod resume;
mod row_by_row;
