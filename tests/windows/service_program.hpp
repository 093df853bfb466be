#pragma once

#include <windows.h>

/// A Windows service in a few lines, for the programs that play services.
namespace service_program {

inline SERVICE_STATUS_HANDLE status_handle = nullptr;
inline HANDLE stop_requested = nullptr;

inline void report(DWORD state, DWORD exit_code = 0, DWORD wait_hint = 0) {
    SERVICE_STATUS status{};
    status.dwServiceType = SERVICE_WIN32_OWN_PROCESS;
    status.dwCurrentState = state;
    status.dwControlsAccepted = state == SERVICE_RUNNING ? SERVICE_ACCEPT_STOP : 0;
    status.dwWin32ExitCode = exit_code;
    status.dwWaitHint = wait_hint;
    SetServiceStatus(status_handle, &status);
}

inline DWORD WINAPI control(DWORD code, DWORD, void*, void*) {
    if (code == SERVICE_CONTROL_STOP) {
        report(SERVICE_STOP_PENDING, 0, 200);
        SetEvent(stop_requested);
    }
    return NO_ERROR;
}

/// Reports START_PENDING; call first in the service's main function.
inline void begin(const wchar_t* name) {
    stop_requested = CreateEventW(nullptr, TRUE, FALSE, nullptr);
    status_handle = RegisterServiceCtrlHandlerExW(name, control, nullptr);
    report(SERVICE_START_PENDING, 0, 200);
}

/// Runs until it is told to stop.
inline void run() {
    report(SERVICE_RUNNING);
    WaitForSingleObject(stop_requested, INFINITE);
    report(SERVICE_STOPPED);
}

/// Blocks until the service has stopped.
inline int dispatch(wchar_t* name, LPSERVICE_MAIN_FUNCTIONW service_main) {
    const SERVICE_TABLE_ENTRYW table[] = {{name, service_main}, {nullptr, nullptr}};
    return StartServiceCtrlDispatcherW(table) ? 0 : static_cast<int>(GetLastError());
}

}  // namespace service_program
