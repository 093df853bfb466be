// in_job breakaway|strict PROGRAM ARGUMENT: runs a program as a guest agent's service may, in a job that ends all
// that is left in it as soon as the program has ended. Only with "breakaway" may a process leave the job.

#include <windows.h>

#include <string>

int wmain(int argc, wchar_t** argv) {
    if (argc != 4) return 2;
    const HANDLE job = CreateJobObjectW(nullptr, nullptr);
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits{};
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
    if (std::wstring(argv[1]) == L"breakaway") limits.BasicLimitInformation.LimitFlags |= JOB_OBJECT_LIMIT_BREAKAWAY_OK;
    if (!SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits)) return 3;

    auto line = L'"' + std::wstring(argv[2]) + L"\" " + argv[3];
    STARTUPINFOW startup{};
    startup.cb = sizeof startup;
    PROCESS_INFORMATION process{};
    if (!CreateProcessW(argv[2], line.data(), nullptr, nullptr, TRUE, CREATE_SUSPENDED, nullptr, nullptr, &startup,
                        &process) ||
        !AssignProcessToJobObject(job, process.hProcess)) {
        return 4;
    }
    ResumeThread(process.hThread);
    WaitForSingleObject(process.hProcess, INFINITE);
    DWORD code = 0;
    GetExitCodeProcess(process.hProcess, &code);
    CloseHandle(job);
    return static_cast<int>(code);
}
