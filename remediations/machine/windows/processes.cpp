#include "remediations/machine/processes.hpp"

#include <fmt/format.h>

#include "remediations/machine/run_command.hpp"
#include "remediations/machine/windows/file_time.hpp"
#include "remediations/machine/windows/parts.hpp"
#include "remediations/machine/windows/privileges.hpp"
#include "remediations/machine/windows/system_error.hpp"
#include "remediations/machine/windows/text.hpp"
#include "remediations/machine/windows/unique_handle.hpp"

#include <tlhelp32.h>

namespace machine::windows {

namespace {

/// Returns the epoch where the start may not be read: for protected processes, and for one that has ended.
std::chrono::system_clock::time_point start_of(HANDLE process) {
    FILETIME started{};
    FILETIME other{};
    if (!process || !GetProcessTimes(process, &started, &other, &other, &other)) return {};
    return std::chrono::floor<std::chrono::seconds>(to_time_point(started));
}

std::chrono::system_clock::time_point start_of(DWORD pid) {
    const KernelHandle process(OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, pid));
    return start_of(process.get());
}

class WindowsProcesses final : public Processes {
public:
    Result<std::vector<Process>> list() const override {
        const KernelHandle snapshot(CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0));
        if (!snapshot) return last_error("list", "the processes");
        PROCESSENTRY32W entry{};
        entry.dwSize = sizeof entry;
        std::vector<Process> processes;
        // The command line lies in the other process's memory, which is not read.
        for (auto more = Process32FirstW(snapshot.get(), &entry); more; more = Process32NextW(snapshot.get(), &entry)) {
            processes.push_back({entry.th32ProcessID,
                                 entry.th32ParentProcessID,
                                 to_utf8(entry.szExeFile),
                                 {},
                                 start_of(entry.th32ProcessID)});
        }
        if (GetLastError() != ERROR_NO_MORE_FILES) return last_error("list", "the processes");
        return processes;
    }

    Result<CommandOutput> query(const Command& command) const override { return query_command(command); }

    Result<CommandOutput> run(const Command& command) override { return run_command(command); }

    Result<std::vector<Path>> modules(std::uint32_t pid) const override {
        const auto what = fmt::format("the libraries of process {}", pid);
        if (pid == 0) return no_process(pid);  // to Toolhelp this means the calling process
        const Privileges privileges{SE_DEBUG_NAME};
        KernelHandle snapshot;
        // Documented: to be tried again while the process loads or unloads a library.
        for (int attempt = 0; attempt < 20 && !snapshot; ++attempt) {
            snapshot = KernelHandle(CreateToolhelp32Snapshot(TH32CS_SNAPMODULE | TH32CS_SNAPMODULE32, pid));
            if (!snapshot && GetLastError() != ERROR_BAD_LENGTH && GetLastError() != ERROR_PARTIAL_COPY) break;
        }
        if (!snapshot) {
            return GetLastError() == ERROR_INVALID_PARAMETER ? no_process(pid) : last_error("list", what);
        }
        MODULEENTRY32W entry{};
        entry.dwSize = sizeof entry;
        std::vector<Path> paths;
        for (auto more = Module32FirstW(snapshot.get(), &entry); more; more = Module32NextW(snapshot.get(), &entry)) {
            paths.push_back(to_utf8(entry.szExePath));
        }
        if (GetLastError() != ERROR_NO_MORE_FILES) return last_error("list", what);
        return paths;
    }

    Result<void> end(std::uint32_t pid, std::chrono::system_clock::time_point started) override {
        const auto what = fmt::format("process {}", pid);
        const Privileges privileges{SE_DEBUG_NAME};  // for those of SYSTEM, by hand
        const KernelHandle process(
            OpenProcess(PROCESS_TERMINATE | PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE, FALSE, pid));
        if (!process) {
            return GetLastError() == ERROR_INVALID_PARAMETER ? no_process(pid) : last_error("end", what);
        }
        // While it is open, the system does not use its number again.
        if (start_of(process.get()) != started) {
            return Error::refused(what + " is another one by now");
        }
        if (WaitForSingleObject(process.get(), 0) == WAIT_OBJECT_0) return no_process(pid);
        if (!TerminateProcess(process.get(), 1)) return last_error("end", what);
        if (WaitForSingleObject(process.get(), 5000) == WAIT_OBJECT_0) return {};
        return Error::timed_out(what + " was ended, but still is there after 5 seconds");
    }

private:
    static Error no_process(std::uint32_t pid) { return Error::not_found(fmt::format("there is no process {}", pid)); }
};

}  // namespace

std::unique_ptr<Processes> make_processes() {
    return std::make_unique<WindowsProcesses>();
}

}  // namespace machine::windows
