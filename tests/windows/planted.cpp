// Stands beside a program under the name of one of Windows' libraries: the process that loads it ends with 99.
#include <windows.h>

extern "C" {

BOOL WINAPI DllMain(HINSTANCE, DWORD reason, LPVOID) {
    if (reason == DLL_PROCESS_ATTACH) ExitProcess(99);
    return TRUE;
}

// The one function that imports_version.cpp needs.
__declspec(dllexport) DWORD WINAPI planted_size(DWORD, const wchar_t*, DWORD*) {
    return 0;
}
}
