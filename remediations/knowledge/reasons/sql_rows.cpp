#include "remediations/knowledge/reasons/rows.hpp"

namespace remediations {

// Named, because tables are compiled several files at a time.
namespace sql_codes {

constexpr auto error_log = "The SQL Server error log of the instance at that time.";
constexpr auto connect = "The instance runs; shared memory is enabled; no alias of its name leads elsewhere.";
constexpr auto sysadmin = "Give the login NT SERVICE\\SQLWriter the role sysadmin in that instance.";
constexpr auto database_state = "SELECT name, state_desc FROM sys.databases: databases that are not ONLINE.";
constexpr auto disk = "Disks of that database; events of disk and Ntfs; DBCC CHECKDB.";
constexpr auto memory = "Memory of the VM and 'max server memory' of the instance.";

constexpr ReasonRow rows[] = {
    {-2, "", "The statement ran into its time limit.", "The instance is too busy.", error_log},
    {2, "", "SQL Server cannot be reached.", "The instance does not run.", connect},
    {17, "", "SQL Server does not exist or denies access.", "The writer cannot connect to the instance.", connect},
    {53, "", "The network path to SQL Server was not found.", "", connect},
    {229, "", "The permission on an object was denied.", "The writer's login lacks rights.", sysadmin},
    {233, "", "SQL Server closed the connection.", "The instance refuses logins, or shared memory is off.", connect},
    {258, "", "The wait for SQL Server timed out.", "The instance is too busy.", error_log},
    {262, "", "The permission in a database was denied.", "The writer's login may not back up.", sysadmin},
    {297, "", "The permission was denied.", "The writer's login lacks rights.", sysadmin},
    {701, "", "SQL Server has not enough memory for the statement.", "", memory},
    {802, "", "SQL Server's buffer memory is exhausted.", "", memory},
    {823, "", "Windows reported an error of reading or writing a database file.", "A disk fails.", disk},
    {824, "", "A database page is damaged.", "A disk fails or failed.", disk},
    {825, "", "A read succeeded only after retries.", "A disk begins to fail.", disk},
    {833, "", "Reading or writing took longer than 15 seconds.", "The disks are too slow for the load.",
     "Load and limits of the VM's disks at that time."},
    {845, "", "Waiting for a page's latch timed out.", "The disks are too slow for the load.", error_log},
    {911, "", "The database does not exist.", "Its name begins or ends with a blank, or it was dropped meanwhile.",
     "Names in sys.databases."},
    {916, "", "The login may not use the database.", "", sysadmin},
    {921, "", "The database is not recovered yet.", "The instance has just started.", database_state},
    {922, "", "The database is being recovered.", "The instance has just started.", database_state},
    {924, "", "The database is in single-user mode and in use.", "", database_state},
    {926, "", "The database is suspect.", "It cannot be opened and so not backed up.", database_state},
    {927, "", "The database is being restored.", "", database_state},
    {942, "", "The database is offline.", "", database_state},
    {945, "", "The database cannot be opened: files are missing, or there is no memory or disk space.", "",
     database_state},
    {946, "", "The database has another version.", "", database_state},
    {948, "", "The database is of a newer SQL Server.", "", database_state},
    {952, "", "The database is changing its state.", "", database_state},
    {954, "", "The database is a mirror and cannot be opened.", "", database_state},
    {976, "", "The database is a secondary replica and cannot be read.", "", database_state},
    {978, "", "The replica accepts only connections that read.", "", database_state},
    {983, "", "The replica's role does not allow access.", "", database_state},
    {1105, "", "A filegroup is full.", "", "Free space on the database's disks; autogrowth."},
    {1204, "", "SQL Server has no locks left.", "", memory},
    {1205, "", "The statement was chosen to end a deadlock.", "", error_log},
    {1222, "", "Waiting for a lock timed out.", "Another backup or a long transaction holds it.", error_log},
    {3013, "", "A backup ended because of the error beside it.", "Only the other number says why.", error_log},
    {3023, "", "Another backup or file operation of this database runs.", "Two backups at the same time.",
     "Jobs of other backup products; move one."},
    {3041, "", "A backup failed; the error log says why.", "Of any backup product, not only this one.", error_log},
    {3197, "", "Writing to a database is frozen for a snapshot; no error."},
    {3198, "", "Writing to a database goes on after a snapshot; no error."},
    {3201, "", "The backup device cannot be opened.", "", error_log},
    {3202, "", "Writing to the backup device failed.", "Whoever asked for the backup gave up.", error_log},
    {3203, "", "Reading from the backup device failed.", "", error_log},
    {3257, "", "There is not enough space for the database.", "", "Free space on the disks."},
    {3266, "", "The backup data is damaged.", "", error_log},
    {3267, "", "SQL Server has no resources for the backup's threads.",
     "Too many databases in one snapshot for the worker threads of the instance.",
     "Number of databases; 'max worker threads'; spread the databases over instances or use SQL Server's backup."},
    {3271, "", "Reading or writing failed for good.", "The disk or the backup device fails.", disk},
    {3414, "", "The database could not be recovered.", "It is suspect.", database_state},
    {3633, "", "Windows reported an error for a file.", "", error_log},
    {3634, "", "Windows reported an error for a backup file.", "", error_log},
    {4060, "", "The database cannot be opened by this login.", "", database_state},
    {4064, "", "The login's default database cannot be opened.", "", "ALTER LOGIN: default database master."},
    {5120, "", "A database file cannot be opened.", "It is missing, in use, or access is denied.", database_state},
    {5123, "", "A database file cannot be created.", "", "Permissions and free space of its folder."},
    {5171, "", "A file is no primary database file.", "", database_state},
    {6004, "", "The login may not do this.", "", sysadmin},
    {8645, "", "Waiting for memory timed out.", "", memory},
    {8651, "", "The least memory a statement needs is not available.", "", memory},
    {9001, "", "A database's log is not available.", "A disk failed or was full.", disk},
    {9002, "", "A database's log is full.", "", "Free space of the log's disk; log backups."},
    {15404, "", "A Windows account could not be looked up.", "No domain controller, or an owner that is gone.",
     "Owners of databases and jobs."},
    {17187, "", "SQL Server is not ready yet.", "The instance has just started.", error_log},
    {17189, "", "SQL Server could not start a thread for a connection.", "", memory},
    {17890, "", "Much of SQL Server's memory was paged out.", "", memory},
    {18204, "", "A backup device cannot be opened.", "", error_log},
    {18210, "", "A backup device failed.", "Whoever asked for the snapshot gave up, or the snapshot took too long.",
     error_log},
    {18264, "", "A database was backed up; no error."},
    {18265, "", "A log was backed up; no error."},
    {18270, "", "Changes of a database were backed up; no error."},
    {18401, "", "SQL Server is being updated and takes no logins.", "", error_log},
    {18452, "", "The login is from a domain that is not trusted.", "", sysadmin},
    {18456, "", "The login failed.", "The writer may not log on to the instance.", sysadmin},
    {18461, "", "SQL Server is in single-user mode.", "", "Start parameter -m of the instance."},
};

}  // namespace sql_codes

std::span<const ReasonRow> sql_rows() {
    return sql_codes::rows;
}

}  // namespace remediations
