#include <algorithm>
#include <array>
#include <string_view>

#include "remediations/knowledge/reasons/rows.hpp"

namespace remediations {

// Named, because tables are compiled several files at a time.
namespace errno_codes {

constexpr auto route =
    "ip route get 168.63.129.16, ip address, and the VM's own firewall (nft list ruleset, iptables -S).";
constexpr auto disk_of_it = "dmesg for errors of the device, then check the file system while it is not mounted.";
constexpr auto who_uses_it = "Who has it open: lsof, fuser -vm.";
constexpr auto part_missing = "The extension or the agent is damaged, or a program it calls is not installed.";
constexpr auto resolver = "The name servers in /etc/resolv.conf, and whether port 53 of them answers.";

constexpr ErrnoRow rows[] = {
    {-8, false, "EAI_SERVICE", "Servname not supported for ai_socktype"},
    {-5, false, "EAI_NODATA", "No address associated with hostname", "The name exists but has no address for this VM.",
     resolver},
    {-4, false, "EAI_FAIL", "Non-recoverable failure in name resolution", "The name server gave up.", resolver},
    {-3, false, "EAI_AGAIN", "Temporary failure in name resolution",
     "No name server answers, so storage and downloads cannot be found.", resolver},
    {-2, false, "EAI_NONAME", "Name or service not known",
     "The name of a storage account or server cannot be resolved.", resolver},
    {1, false, "EPERM", "Operation not permitted",
     "On sending: a packet filter of this VM drops it. On a file: an immutable flag, SELinux or a missing capability.",
     "Network: nft list ruleset, iptables -S OUTPUT. File: lsattr, ls -Z, the audit log."},
    {2, false, "ENOENT", "No such file or directory", part_missing,
     "Whether the path in the line exists; if it is the extension's, have Azure install it again."},
    {3, false, "ESRCH", "No such process", "The process ended in the meantime."},
    {4, false, "EINTR", "Interrupted system call"},
    {5, false, "EIO", "Input/output error", "A disk or a network share fails; its file system cannot be frozen.",
     disk_of_it},
    {6, false, "ENXIO", "No such device or address", "A disk or its driver is gone.", "lsblk and dmesg."},
    {7, false, "E2BIG", "Argument list too long", "Too many mounts or a huge environment for one command."},
    {8, false, "ENOEXEC", "Exec format error",
     "A program of the extension is for another processor, or empty, or damaged.",
     "file PATH and uname -m; have Azure install the extension again."},
    {9, false, "EBADF", "Bad file descriptor"},
    {10, false, "ECHILD", "No child processes"},
    {11, false, "EAGAIN", "Resource temporarily unavailable",
     "On a lock: another program holds it. On starting a process: there are too many.",
     "Who holds the lock (lsof); ulimit -u and the pids limit of the service."},
    {12, false, "ENOMEM", "Cannot allocate memory", "The VM, or the service's memory limit, is exhausted.",
     "free -m, dmesg for oom-kill, and the memory limit of the service."},
    {13, false, "EACCES", "Permission denied",
     "A lost execute bit, a mount with noexec, wrong owner or mode, or SELinux.",
     "ls -l, the mount options (noexec), ls -Z and ausearch -m avc."},
    {14, true, "EFAULT", "Bad address"},
    {15, false, "ENOTBLK", "Block device required"},
    {16, false, "EBUSY", "Device or resource busy",
     "The file system is frozen already, or mounted twice, or another program uses the device.",
     "Other products that freeze (Site Recovery), mounts listed twice, and who has it open."},
    {17, true, "EEXIST", "File exists", "Something left over from an earlier run is in the way."},
    {18, false, "EXDEV", "Invalid cross-device link"},
    {19, false, "ENODEV", "No such device", "A disk or kernel module is missing.", "lsblk, lsmod and dmesg."},
    {20, true, "ENOTDIR", "Not a directory", "A file lies where a folder has to be.",
     "The path in the line: move the file away."},
    {21, true, "EISDIR", "Is a directory", "A folder lies where a file has to be.",
     "The path in the line: move the folder away."},
    {22, true, "EINVAL", "Invalid argument", "The kernel or file system refuses this request."},
    {23, false, "ENFILE", "Too many open files in system", "The whole system is out of file handles.",
     "/proc/sys/fs/file-nr; which process holds most."},
    {24, false, "EMFILE", "Too many open files", "One process is out of file handles.",
     "ls /proc/PID/fd of that process, and its limit."},
    {25, false, "ENOTTY", "Inappropriate ioctl for device", "The file system or device does not know the request."},
    {26, false, "ETXTBSY", "Text file busy", "The program still runs while it should be replaced.", who_uses_it},
    {27, true, "EFBIG", "File too large"},
    {28, false, "ENOSPC", "No space left on device",
     "The file system has no free space or no free inodes; nothing can be stored, unpacked or reported.",
     "df -h and df -i of the path, then its largest files: du -x."},
    {29, false, "ESPIPE", "Illegal seek"},
    {30, false, "EROFS", "Read-only file system", "Linux mounted it read-only after an error, or it is meant to be so.",
     "dmesg for errors of that file system, and its line in /etc/fstab."},
    {31, true, "EMLINK", "Too many links"},
    {32, false, "EPIPE", "Broken pipe", "The other process or the other side ended first."},
    {33, false, "EDOM", "Numerical argument out of domain"},
    {34, false, "ERANGE", "Numerical result out of range"},
    {35, false, "EDEADLK", "Resource deadlock avoided"},
    {36, false, "ENAMETOOLONG", "File name too long"},
    {37, false, "ENOLCK", "No locks available", "A lock on a network share fails."},
    {38, false, "ENOSYS", "Function not implemented", "The kernel or file system does not know this call."},
    {39, false, "ENOTEMPTY", "Directory not empty"},
    {40, false, "ELOOP", "Too many levels of symbolic links", "Links point in a circle.", "ls -l along the path."},
    {42, false, "ENOMSG", "No message of desired type"},
    {43, true, "EIDRM", "Identifier removed"},
    {44, false, "ECHRNG", "Channel number out of range"},
    {45, false, "EL2NSYNC", "Level 2 not synchronized"},
    {46, true, "EL3HLT", "Level 3 halted"},
    {47, true, "EL3RST", "Level 3 reset"},
    {48, false, "ELNRNG", "Link number out of range"},
    {49, false, "EUNATCH", "Protocol driver not attached"},
    {50, false, "ENOCSI", "No CSI structure available"},
    {51, true, "EL2HLT", "Level 2 halted"},
    {52, true, "EBADE", "Invalid exchange"},
    {53, false, "EBADR", "Invalid request descriptor"},
    {54, true, "EXFULL", "Exchange full"},
    {55, true, "ENOANO", "No anode"},
    {56, true, "EBADRQC", "Invalid request code"},
    {57, true, "EBADSLT", "Invalid slot"},
    {59, false, "EBFONT", "Bad font file format"},
    {60, false, "ENOSTR", "Device not a stream"},
    {61, true, "ENODATA", "No data available"},
    {62, true, "ETIME", "Timer expired"},
    {63, false, "ENOSR", "Out of streams resources"},
    {64, false, "ENONET", "Machine is not on the network"},
    {65, false, "ENOPKG", "Package not installed"},
    {66, true, "EREMOTE", "Object is remote"},
    {67, true, "ENOLINK", "Link has been severed"},
    {68, true, "EADV", "Advertise error"},
    {69, true, "ESRMNT", "Srmount error"},
    {70, false, "ECOMM", "Communication error on send"},
    {71, true, "EPROTO", "Protocol error"},
    {72, false, "EMULTIHOP", "Multihop attempted"},
    {73, false, "EDOTDOT", "RFS specific error"},
    {74, true, "EBADMSG", "Bad message", "Stored data does not match its checksum.", disk_of_it},
    {75, false, "EOVERFLOW", "Value too large for defined data type"},
    {76, false, "ENOTUNIQ", "Name not unique on network"},
    {77, false, "EBADFD", "File descriptor in bad state"},
    {78, false, "EREMCHG", "Remote address changed"},
    {79, false, "ELIBACC", "Can not access a needed shared library", part_missing, "ldd PATH."},
    {80, false, "ELIBBAD", "Accessing a corrupted shared library", part_missing, "ldd PATH."},
    {81, false, "ELIBSCN", ".lib section in a.out corrupted"},
    {82, false, "ELIBMAX", "Attempting to link in too many shared libraries"},
    {83, false, "ELIBEXEC", "Cannot exec a shared library directly"},
    {84, false, "EILSEQ", "Invalid or incomplete multibyte or wide character",
     "A file or a name is not in the expected encoding."},
    {85, false, "ERESTART", "Interrupted system call should be restarted"},
    {86, false, "ESTRPIPE", "Streams pipe error"},
    {87, false, "EUSERS", "Too many users"},
    {88, false, "ENOTSOCK", "Socket operation on non-socket"},
    {89, false, "EDESTADDRREQ", "Destination address required"},
    {90, true, "EMSGSIZE", "Message too long", "A packet is larger than the network's limit.",
     "The MTU of the network card: ip link."},
    {91, false, "EPROTOTYPE", "Protocol wrong type for socket"},
    {92, false, "ENOPROTOOPT", "Protocol not available"},
    {93, false, "EPROTONOSUPPORT", "Protocol not supported"},
    {94, false, "ESOCKTNOSUPPORT", "Socket type not supported"},
    {95, false, "EOPNOTSUPP", "Operation not supported",
     "The file system cannot do it: FAT, tmpfs and network shares cannot be frozen.",
     "findmnt of the path; leave that mount out (MountsToSkip in /etc/azure/vmbackup.conf)."},
    {96, false, "EPFNOSUPPORT", "Protocol family not supported"},
    {97, false, "EAFNOSUPPORT", "Address family not supported by protocol"},
    {98, false, "EADDRINUSE", "Address already in use"},
    {99, false, "EADDRNOTAVAIL", "Cannot assign requested address", "The VM does not have that address.", route},
    {100, true, "ENETDOWN", "Network is down", "No network card is up.", route},
    {101, false, "ENETUNREACH", "Network is unreachable", "The VM has no route to the address, often no default route.",
     route},
    {102, false, "ENETRESET", "Network dropped connection on reset"},
    {103, false, "ECONNABORTED", "Software caused connection abort"},
    {104, false, "ECONNRESET", "Connection reset by peer",
     "The other side, a firewall or a proxy between broke the connection.",
     "Firewalls and proxies on the way (network security group, appliance, HttpProxy in waagent.conf)."},
    {105, false, "ENOBUFS", "No buffer space available", "The network stack is out of memory."},
    {106, false, "EISCONN", "Transport endpoint is already connected"},
    {107, false, "ENOTCONN", "Transport endpoint is not connected", "A FUSE or network mount has lost its server.",
     "findmnt of the path; unmount it lazily: umount -l."},
    {108, false, "ESHUTDOWN", "Cannot send after transport endpoint shutdown"},
    {109, false, "ETOOMANYREFS", "Too many references: cannot splice"},
    {110, false, "ETIMEDOUT", "Connection timed out",
     "Nothing answers: a firewall drops the packets, or the other side is not there or too busy.", route},
    {111, false, "ECONNREFUSED", "Connection refused",
     "The address answers, but nothing listens on the port, or a firewall or redirection rejects it.",
     "Which address and port; redirections of this VM (nft list ruleset); a proxy that is not running."},
    {112, true, "EHOSTDOWN", "Host is down", "A server of a network share is gone."},
    {113, false, "EHOSTUNREACH", "No route to host",
     "No route leads there, the neighbour does not answer, or a firewall rejects it.", route},
    {114, false, "EALREADY", "Operation already in progress"},
    {115, false, "EINPROGRESS", "Operation now in progress"},
    {116, false, "ESTALE", "Stale file handle", "A network share is mounted whose server no longer knows it.",
     "Mount it afresh, or unmount it lazily: umount -l."},
    {117, false, "EUCLEAN", "Structure needs cleaning", "The file system is damaged; it cannot be frozen.", disk_of_it},
    {118, false, "ENOTNAM", "Not a XENIX named type file"},
    {119, false, "ENAVAIL", "No XENIX semaphores available"},
    {120, false, "EISNAM", "Is a named type file"},
    {121, false, "EREMOTEIO", "Remote I/O error", "The disk or the network share fails.", disk_of_it},
    {122, false, "EDQUOT", "Disk quota exceeded", "A quota of the file system is used up.", "repquota, xfs_quota."},
    {123, false, "ENOMEDIUM", "No medium found"},
    {124, false, "EMEDIUMTYPE", "Wrong medium type"},
    {125, false, "ECANCELED", "Operation canceled"},
    {126, false, "ENOKEY", "Required key not available", "A key is missing: a kernel module that is not signed, say."},
    {127, true, "EKEYEXPIRED", "Key has expired"},
    {128, false, "EKEYREVOKED", "Key has been revoked"},
    {129, false, "EKEYREJECTED", "Key was rejected by service",
     "The kernel refuses a module with a foreign signature (Secure Boot)."},
    {130, false, "EOWNERDEAD", "Owner died"},
    {131, false, "ENOTRECOVERABLE", "State not recoverable"},
    {132, false, "ERFKILL", "Operation not possible due to RF-kill"},
    {133, false, "EHWPOISON", "Memory page has hardware error"},
};

constexpr ErrnoRow spellings[] = {
    {5, false, "", "Buffer I/O error"},         // kernel
    {12, false, "", "oom-kill"},                // kernel, systemd
    {5, true, "", "I/O error"},                 // kernel, musl
    {12, false, "", "Out of memory"},           // kernel, musl
    {16, false, "", "Resource busy"},           // musl
    {110, true, "", "Operation timed out"},     // musl
    {110, false, "", "i/o timeout"},            // Go
    {110, true, "", "timed out"},               // Python: socket.timeout
    {113, false, "", "Host is unreachable"},    // musl
    {116, false, "", "Stale NFS file handle"},  // glibc before 2.16
    {-2, false, "", "nodename nor servname provided"},
    {-2, false, "", "Name does not resolve"},  // musl
};

constexpr char first_letter(const ErrnoRow* row) {
    const char c = *row->text;
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Sorted by letter; a longer text comes before one that is its beginning.
constexpr auto ordered = [] {
    std::array<const ErrnoRow*, std::size(rows) + std::size(spellings)> all{};
    auto next = all.begin();
    for (const auto& row : rows) *next++ = &row;
    for (const auto& row : spellings) *next++ = &row;
    std::ranges::sort(all, [](const ErrnoRow* left, const ErrnoRow* right) {
        if (first_letter(left) != first_letter(right)) return first_letter(left) < first_letter(right);
        return std::string_view(left->text).size() > std::string_view(right->text).size();
    });
    return all;
}();

}  // namespace errno_codes

std::span<const ErrnoRow> errno_rows() {
    return errno_codes::rows;
}

std::span<const ErrnoRow* const> errno_texts(char letter) {
    const auto& all = errno_codes::ordered;
    const auto begin = std::ranges::lower_bound(all, letter, {}, errno_codes::first_letter);
    const auto end = std::ranges::upper_bound(all, letter, {}, errno_codes::first_letter);
    return {begin, end};
}

}  // namespace remediations
