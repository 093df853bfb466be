#include "remediations/knowledge/reasons/rows.hpp"

namespace remediations {

// Named, because tables are compiled several files at a time.
namespace exit_codes {

constexpr auto output = "What the command printed, in the same message or its own log.";
constexpr auto unit = "systemctl cat of the unit and its drop-ins; journalctl -u of it.";
constexpr auto not_run = "ls -l and file of the program, the mount options of its folder (noexec), SELinux, fapolicyd.";

constexpr ReasonRow codes[] = {
    {1, "", "The command failed; only its output says why.", "", output},
    {2, "", "The command was used wrongly, or failed in a way of its own.", "", output},
    {3, "", "The command ended with a code of its own.",
     "handle.sh of the backup extension: it found no Python that it can use.",
     "python3 --version, which python3; Python of the distribution."},
    {51, "", "The extension does not support this system.",
     "Another extension says so; the VM can count as failed, and its backups with it.",
     "Update or remove that extension, then az vm reapply."},
    {52, "", "The extension misses something it needs.", "Another extension says so.", output},
    {124, "", "A time limit ended the command.", "The command hung.", output},
    {126, "", "The file is there but cannot be run.",
     "A mount with noexec, a lost execute bit, a missing interpreter, SELinux or fapolicyd.", not_run},
    {127, "", "A program was not found.", "Python, openssl or another tool is not installed, or PATH lacks it.",
     "Which program the line names; install it from the distribution."},
    {200, "CHDIR", "systemd could not change to the working folder.", "", unit},
    {201, "NICE", "systemd could not set the priority.", "", unit},
    {202, "FDS", "systemd could not set up the open files.", "", unit},
    {203, "EXEC", "systemd could not start the program.",
     "The program of the unit is missing, not executable, of another architecture, or its interpreter is gone.",
     "ExecStart of the unit: that file and the interpreter in its first line; SELinux."},
    {204, "MEMORY", "systemd had no memory.", "", "free -m."},
    {205, "LIMITS", "systemd could not set the limits.", "", unit},
    {206, "OOM_ADJUST", "systemd could not set the OOM value.", "", unit},
    {207, "SIGNAL_MASK", "systemd could not set the signals.", "", unit},
    {208, "STDIN", "systemd could not set up standard input.", "", unit},
    {209, "STDOUT", "systemd could not set up standard output.", "A log file of the unit cannot be written.", unit},
    {210, "CHROOT", "systemd could not change the root folder.", "", unit},
    {211, "IOPRIO", "systemd could not set the I/O priority.", "", unit},
    {212, "TIMERSLACK", "systemd could not set the timer slack.", "", unit},
    {213, "SECUREBITS", "systemd could not set the secure bits.", "", unit},
    {214, "SETSCHEDULER", "systemd could not set the scheduler.", "", unit},
    {215, "CPUAFFINITY", "systemd could not set the processors.", "", unit},
    {216, "GROUP", "systemd does not know the group.", "", unit},
    {217, "USER", "systemd does not know the user.", "", unit},
    {218, "CAPABILITIES", "systemd could not set the capabilities.", "", unit},
    {219, "CGROUP", "systemd could not set up the control group.", "", unit},
    {220, "SETSID", "systemd could not create the session.", "", unit},
    {221, "CONFIRM", "The start was refused.", "", unit},
    {222, "STDERR", "systemd could not set up standard error.", "", unit},
    {224, "PAM", "systemd could not set up PAM.", "", unit},
    {225, "NETWORK", "systemd could not set up the network namespace.", "", unit},
    {226, "NAMESPACE", "systemd could not set up the unit's view of the file system.",
     "A folder that the unit's sandbox names is missing, or /tmp cannot be used.",
     "ReadWritePaths, BindPaths, PrivateTmp of the unit: whether each folder exists."},
    {227, "NO_NEW_PRIVILEGES", "systemd could not drop privileges.", "", unit},
    {228, "SECCOMP", "systemd could not set the system call filter.", "", unit},
    {229, "SELINUX_CONTEXT", "systemd could not set the SELinux context.", "", "ausearch -m avc; restorecon."},
    {230, "PERSONALITY", "systemd could not set the personality.", "", unit},
    {231, "APPARMOR", "systemd could not set the AppArmor profile.", "", unit},
    {232, "ADDRESS_FAMILIES", "systemd could not restrict address families.", "", unit},
    {233, "RUNTIME_DIRECTORY", "systemd could not create the runtime folder.", "", unit},
    {235, "CHOWN", "systemd could not change an owner.", "", unit},
    {236, "SMACK_PROCESS_LABEL", "systemd could not set the SMACK label.", "", unit},
    {237, "KEYRING", "systemd could not set up the keyring.", "", unit},
    {238, "STATE_DIRECTORY", "systemd could not create the state folder.", "", unit},
    {239, "CACHE_DIRECTORY", "systemd could not create the cache folder.", "", unit},
    {240, "LOGS_DIRECTORY", "systemd could not create the log folder.", "", unit},
    {241, "CONFIGURATION_DIRECTORY", "systemd could not create the configuration folder.", "", unit},
    {242, "NUMA_POLICY", "systemd could not set the NUMA policy.", "", unit},
    {243, "CREDENTIALS", "systemd could not set up credentials.", "", unit},
    {245, "BPF", "systemd could not set up BPF.", "", unit},
    {255, "", "The program failed in a way of its own, or with an exception.", "", output},
};

constexpr auto who_ended = "Who ended it: journalctl of that minute, the audit log, administrators' scripts.";
constexpr auto crashed = "coredumpctl and dmesg: which library; a foreign library in /etc/ld.so.preload.";

constexpr ReasonRow signals[] = {
    {1, "SIGHUP", "The terminal was closed, or a reload was asked for."},
    {2, "SIGINT", "Somebody pressed Ctrl+C."},
    {3, "SIGQUIT", "Somebody ended the program and asked for a dump.", "", who_ended},
    {4, "SIGILL", "The processor does not know an instruction.", "The program is for a newer processor, or damaged.",
     crashed},
    {5, "SIGTRAP", "The program stopped at a break point.", "", crashed},
    {6, "SIGABRT", "The program ended itself after a failed check.", "It crashed.", crashed},
    {7, "SIGBUS", "Memory of a file could not be read.", "The disk fails or is full, or the file was cut short.",
     "dmesg for errors of the device; df -h."},
    {8, "SIGFPE", "The program computed something impossible.", "It crashed.", crashed},
    {9, "SIGKILL", "The process was killed and could not resist.",
     "Memory ran out (OOM), a time limit of the agent or of systemd, or an administrator.",
     "dmesg for oom-kill; journalctl of that minute; the agent's log for a timeout."},
    {10, "SIGUSR1", "A signal between programs."},
    {11, "SIGSEGV", "The program used memory wrongly.", "It crashed, often inside a foreign library.", crashed},
    {12, "SIGUSR2", "A signal between programs."},
    {13, "SIGPIPE", "The reader of its output is gone."},
    {14, "SIGALRM", "A timer of the program ended it."},
    {15, "SIGTERM", "The process was asked to end.", "A restart of its service, a shutdown, or an administrator.",
     who_ended},
    {16, "SIGSTKFLT", "A stack fault."},
    {17, "SIGCHLD", "A child process ended."},
    {18, "SIGCONT", "The process was continued."},
    {19, "SIGSTOP", "The process was stopped.", "It hangs until it is continued.", "kill -CONT of the process."},
    {20, "SIGTSTP", "The process was stopped from the terminal."},
    {21, "SIGTTIN", "A background process wanted to read the terminal."},
    {22, "SIGTTOU", "A background process wanted to write the terminal."},
    {23, "SIGURG", "Urgent data arrived."},
    {24, "SIGXCPU", "The limit of CPU time was reached.", "", "ulimit -t and LimitCPU of the service."},
    {25, "SIGXFSZ", "The limit of a file's size was reached.", "", "ulimit -f and LimitFSIZE of the service."},
    {26, "SIGVTALRM", "A timer of the program ended it."},
    {27, "SIGPROF", "A timer of a profiler ended it."},
    {28, "SIGWINCH", "The window changed."},
    {29, "SIGIO", "A device is ready."},
    {30, "SIGPWR", "The power fails."},
    {31, "SIGSYS", "A filter forbids a system call.", "A seccomp filter of the service.",
     "SystemCallFilter of the unit; the audit log."},
};

}  // namespace exit_codes

std::span<const ReasonRow> exit_code_rows() {
    return exit_codes::codes;
}

std::span<const ReasonRow> signal_rows() {
    return exit_codes::signals;
}

}  // namespace remediations
