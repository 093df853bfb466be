#include "remediations/knowledge/reasons/rows.hpp"

namespace remediations {

// Named, because tables are compiled several files at a time.
namespace nt_status_codes {

constexpr auto crash = "Application Error 1000 of that process: the faulting module; update or remove its product.";
constexpr auto path = "The path in the event; junctions and links that lead nowhere.";
constexpr auto rights = "Permissions of the object in the line, and security software.";
constexpr auto disk = "Events of disk, Ntfs and volsnap at that time; chkdsk /scan.";
constexpr auto memory = "Memory, page file and the largest processes at that time.";

constexpr ReasonRow rows[] = {
    {0x80000003, "STATUS_BREAKPOINT", "The program stopped at a break point.", "It ended.", crash},
    {0x80000005, "STATUS_BUFFER_OVERFLOW", "There is more data than fits."},
    {0xC0000001, "STATUS_UNSUCCESSFUL", "It failed, without a better code."},
    {0xC0000002, "STATUS_NOT_IMPLEMENTED", "The function does not exist."},
    {0xC0000005, "STATUS_ACCESS_VIOLATION", "The program used memory wrongly and ended.",
     "It crashed, often inside a foreign library (security software).", crash},
    {0xC0000006, "STATUS_IN_PAGE_ERROR", "A page of the program could not be read.", "A disk fails.", disk},
    {0xC0000008, "STATUS_INVALID_HANDLE", "A handle is not valid."},
    {0xC000000D, "STATUS_INVALID_PARAMETER", "A parameter is wrong."},
    {0xC000000E, "STATUS_NO_SUCH_DEVICE", "The device does not exist.", "A disk went away.", disk},
    {0xC000000F, "STATUS_NO_SUCH_FILE", "The file does not exist.", "", path},
    {0xC0000010, "STATUS_INVALID_DEVICE_REQUEST", "The device does not know the request.",
     "A driver above the disk, or a volume of another kind.", ""},
    {0xC0000017, "STATUS_NO_MEMORY", "There was not enough memory.", "", memory},
    {0xC000001D, "STATUS_ILLEGAL_INSTRUCTION", "The processor does not know an instruction.",
     "The program is for a newer processor, or damaged.", crash},
    {0xC0000022, "STATUS_ACCESS_DENIED", "Access was denied.", "", rights},
    {0xC0000033, "STATUS_OBJECT_NAME_INVALID", "A name or path is malformed.", "", path},
    {0xC0000034, "STATUS_OBJECT_NAME_NOT_FOUND", "The object does not exist.", "", path},
    {0xC0000035, "STATUS_OBJECT_NAME_COLLISION", "The object exists already."},
    {0xC0000039, "STATUS_OBJECT_PATH_INVALID", "A path cannot be resolved.",
     "A junction or link of a system folder leads nowhere; System Writer then fails.", path},
    {0xC000003A, "STATUS_OBJECT_PATH_NOT_FOUND", "The folder does not exist.", "", path},
    {0xC000003B, "STATUS_OBJECT_PATH_SYNTAX_BAD", "A path is malformed.",
     "ImagePath of a driver or a registry path is broken.", path},
    {0xC000003E, "STATUS_DATA_ERROR", "Data could not be read without errors.", "A disk fails.", disk},
    {0xC0000043, "STATUS_SHARING_VIOLATION", "Another process has the file open.", "Often security software.",
     "Which process has it open (handle.exe, Resource Monitor)."},
    {0xC0000061, "STATUS_PRIVILEGE_NOT_HELD", "A privilege is missing.", "", rights},
    {0xC000006D, "STATUS_LOGON_FAILURE", "User name or password is wrong."},
    {0xC0000078, "STATUS_INVALID_SID", "A security ID is malformed.", "A key such as 'SID.bak' below ProfileList.",
     "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\ProfileList: keys that end in .bak."},
    {0xC000007B, "STATUS_INVALID_IMAGE_FORMAT", "A program or library is of the wrong kind.",
     "32-bit and 64-bit are mixed, or a file is damaged.", crash},
    {0xC000007F, "STATUS_DISK_FULL", "The disk is full.", "", "Free space on every volume."},
    {0xC000009A, "STATUS_INSUFFICIENT_RESOURCES", "Windows has not enough resources.", "", memory},
    {0xC000009C, "STATUS_DEVICE_DATA_ERROR", "The disk returned damaged data.", "A disk fails.", disk},
    {0xC000009D, "STATUS_DEVICE_NOT_CONNECTED", "The device is not connected.",
     "A disk went away, or a volume is offline to protect its shadow copies.", disk},
    {0xC00000A2, "STATUS_MEDIA_WRITE_PROTECTED", "The disk is write-protected."},
    {0xC00000A3, "STATUS_DEVICE_NOT_READY", "The device is not ready."},
    {0xC00000B5, "STATUS_IO_TIMEOUT", "The device did not answer in time.", "The disk is too slow or fails.", disk},
    {0xC00000BA, "STATUS_FILE_IS_A_DIRECTORY", "A folder lies where a file has to be.", "", path},
    {0xC00000BB, "STATUS_NOT_SUPPORTED", "It is not supported."},
    {0xC00000E9, "STATUS_UNEXPECTED_IO_ERROR", "The device failed unexpectedly.", "A disk fails.", disk},
    {0xC00000FD, "STATUS_STACK_OVERFLOW", "The program's stack overflowed and it ended.", "", crash},
    {0xC0000102, "STATUS_FILE_CORRUPT_ERROR", "A file or folder is damaged.", "", disk},
    {0xC0000135, "STATUS_DLL_NOT_FOUND", "A library that the program needs is missing.",
     "A Visual C++ runtime or .NET is missing.", "Install the runtime; repair the product."},
    {0xC0000138, "STATUS_ORDINAL_NOT_FOUND", "A library lacks a function.", "A library of another version.", crash},
    {0xC0000139, "STATUS_ENTRYPOINT_NOT_FOUND", "A library lacks a function.", "A library of another version.", crash},
    {0xC000013A, "STATUS_CONTROL_C_EXIT", "The program was ended from outside.", "Windows was shut down, say."},
    {0xC0000142, "STATUS_DLL_INIT_FAILED", "A library could not be initialised.",
     "Often the desktop heap of services is exhausted.",
     "SharedSection in HKLM\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\SubSystems."},
    {0xC000014F, "STATUS_UNRECOGNIZED_VOLUME", "The volume has no file system that Windows knows.",
     "A raw or encrypted volume.", "Disk Management: volumes shown as RAW."},
    {0xC0000185, "STATUS_IO_DEVICE_ERROR", "A device reports an error.", "A disk fails.", disk},
    {0xC0000218, "STATUS_CANNOT_LOAD_REGISTRY_FILE", "A registry file cannot be loaded.", "", disk},
    {0xC0000225, "STATUS_NOT_FOUND", "It was not found.", "", path},
    {0xC0000236, "STATUS_CONNECTION_REFUSED", "The other side refused the connection."},
    {0xC0000241, "STATUS_CONNECTION_ABORTED", "The connection was aborted."},
    {0xC000026E, "STATUS_VOLUME_DISMOUNTED", "The volume was dismounted meanwhile.", "A disk went away.", disk},
    {0xC0000275, "STATUS_NOT_A_REPARSE_POINT", "The path is no junction or link.", "", path},
    {0xC0000278, "STATUS_IO_REPARSE_DATA_INVALID", "A junction or link is damaged.", "", path},
    {0xC0000279, "STATUS_IO_REPARSE_TAG_NOT_HANDLED", "No driver handles this kind of link.", "", path},
    {0xC0000374, "STATUS_HEAP_CORRUPTION", "The program damaged its memory and ended.",
     "It crashed, often because of a foreign library.", crash},
    {0xC0000409, "STATUS_STACK_BUFFER_OVERRUN", "The program ended itself after a failed check.", "It crashed.", crash},
    {0xC0000417, "STATUS_INVALID_CRUNTIME_PARAMETER", "The program ended: a wrong parameter for the C library.", "",
     crash},
    {0xC0000428, "STATUS_INVALID_IMAGE_HASH", "The file's signature is not valid.",
     "Code integrity (WDAC) or missing root certificates forbid it.", "Events of CodeIntegrity."},
    {0xE0434352, "CLR exception", "A .NET program ended because nobody caught its exception.",
     "The event .NET Runtime 1026 beside it has the exception.", "Event .NET Runtime 1026 of that process."},
    {0xE06D7363, "C++ exception", "A program ended because nobody caught its exception.", "", crash},
};

}  // namespace nt_status_codes

std::span<const ReasonRow> nt_status_rows() {
    return nt_status_codes::rows;
}

}  // namespace remediations
