#include <windows.h>

#include "remediations/machine/local/process_hardening.hpp"

namespace machine::local {

namespace {

/// Before every other initializer: that of the stack protector (libssp) loads a cryptographic provider, and Windows
/// looks for the libraries of that one beside this program, too.
[[gnu::constructor(101)]] void search_libraries_in_system32() {
    SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_SYSTEM32);
}

}  // namespace

void harden_this_process() {
    // Windows Error Reporting makes no dump of a process without an unhandled-exception box.
    SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX);
}

}  // namespace machine::local
