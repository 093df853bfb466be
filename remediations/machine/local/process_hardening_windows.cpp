#include <windows.h>

#include "remediations/machine/local/process_hardening.hpp"

namespace machine::local {

void harden_this_process() {
    SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_SYSTEM32);
    // Windows Error Reporting makes no dump of a process without an unhandled-exception box.
    SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX);
}

}  // namespace machine::local
