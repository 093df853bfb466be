// A program that imports version.dll as programs usually do.
#include <windows.h>

int wmain() {
    DWORD ignored = 0;
    return GetFileVersionInfoSizeExW(0, L"kernel32.dll", &ignored) > 0 ? 0 : 1;
}
