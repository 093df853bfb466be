#include "remediations/machine/processes.hpp"

#include "remediations/machine/run_command.hpp"
#include "remediations/machine/windows/file_time.hpp"
#include "remediations/machine/windows/parts.hpp"
#include "remediations/machine/windows/system_error.hpp"
#include "remediations/machine/windows/text.hpp"
#include "remediations/machine/windows/unique_handle.hpp"

#include <tlhelp32.h>

namespace machine::windows {

namespace {

/// The epoch where it may not be seen: of protected processes, or one that has ended.
std::chrono::system_clock::time_point start_of(DWORD pid) {
    const KernelHandle process(OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, pid));
    FILETIME started{};
    FILETIME other{};
    if (!process || !GetProcessTimes(process.get(), &started, &other, &other, &other)) return {};
    return std::chrono::floor<std::chrono::seconds>(to_time_point(started));
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

    Result<CommandOutput> query(const Command& command) const override { return run_command(command); }

    Result<CommandOutput> run(const Command& command) override { return run_command(command); }
};

}  // namespace

std::unique_ptr<Processes> make_processes() {
    return std::make_unique<WindowsProcesses>();
}

}  // namespace machine::windows
