#include "remediations/machine/local/detached_process.hpp"

#include <fmt/format.h>

#include <optional>

#include "remediations/machine/windows/command_line.hpp"
#include "remediations/machine/windows/system_error.hpp"
#include "remediations/machine/windows/text.hpp"
#include "remediations/machine/windows/unique_handle.hpp"

#include <userenv.h>

namespace machine::local {

using namespace machine::windows;

namespace {

using EnvironmentBlock = UniqueHandle<void*, &DestroyEnvironmentBlock>;

/// The null device as a child's standard streams, and a list because of which it inherits nothing else.
class NullStreams {
public:
    static Result<NullStreams> open() {
        NullStreams streams;
        SECURITY_ATTRIBUTES inheritable{sizeof(SECURITY_ATTRIBUTES), nullptr, TRUE};
        streams.device_ =
            KernelHandle(CreateFileW(L"NUL", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE,
                                     &inheritable, OPEN_EXISTING, 0, nullptr));
        if (!streams.device_) return last_error("open", "the null device");
        SIZE_T size = 0;
        InitializeProcThreadAttributeList(nullptr, 1, 0, &size);
        streams.list_.resize(size);
        if (!InitializeProcThreadAttributeList(streams.attributes(), 1, 0, &size)) {
            return last_error("prepare", "the inherited handles");
        }
        return streams;
    }

    /// Valid while this object lives and is not moved.
    Result<STARTUPINFOEXW> startup_info() {
        STARTUPINFOEXW info{};
        info.StartupInfo.cb = sizeof info;
        info.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
        handle_ = device_.get();
        info.StartupInfo.hStdInput = info.StartupInfo.hStdOutput = info.StartupInfo.hStdError = handle_;
        info.lpAttributeList = attributes();
        if (!UpdateProcThreadAttribute(attributes(), 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, &handle_, sizeof handle_,
                                       nullptr, nullptr)) {
            return last_error("prepare", "the inherited handles");
        }
        return info;
    }

private:
    LPPROC_THREAD_ATTRIBUTE_LIST attributes() { return reinterpret_cast<LPPROC_THREAD_ATTRIBUTE_LIST>(list_.data()); }

    KernelHandle device_;
    HANDLE handle_ = nullptr;
    std::vector<BYTE> list_;
};

struct Child {
    KernelHandle process;
    KernelHandle thread;
};

/// `environment` null means this process's. The error has the code of CreateProcessW.
Result<Child> create_process(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                             const std::filesystem::path& working_directory, DWORD flags, void* environment) {
    auto line = command_line(to_utf8(program.native()), arguments);
    if (!line) return line.error();
    auto streams = NullStreams::open();
    if (!streams) return streams.error();
    auto info = streams->startup_info();
    if (!info) return info.error();

    PROCESS_INFORMATION process{};
    if (!CreateProcessW(program.c_str(), line->data(), nullptr, nullptr, TRUE,
                        flags | CREATE_UNICODE_ENVIRONMENT | EXTENDED_STARTUPINFO_PRESENT, environment,
                        working_directory.c_str(), &info->StartupInfo, &process)) {
        return last_error("start", to_utf8(program.native()));
    }
    return Child{KernelHandle(process.hProcess), KernelHandle(process.hThread)};
}

}  // namespace

Result<Detachment> start_detached(const std::string&, const std::filesystem::path& program,
                                  const std::vector<std::string>& arguments,
                                  const std::filesystem::path& working_directory, DetachBy /*by*/) {
    EnvironmentBlock environment;
    if (!CreateEnvironmentBlock(environment.receive(), nullptr, FALSE)) {
        return last_error("read", "the system's environment variables");
    }
    constexpr DWORD flags = DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP;
    auto child =
        create_process(program, arguments, working_directory, flags | CREATE_BREAKAWAY_FROM_JOB, environment.get());
    if (child) return Detachment::breakaway;
    if (child.error().code != ERROR_ACCESS_DENIED) return child.error();
    // Our job forbids breaking away.
    child = create_process(program, arguments, working_directory, flags, environment.get());
    if (child) return Detachment::inherited_job;
    return child.error();
}

Result<int> run_supervised(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                           const std::filesystem::path& working_directory, std::chrono::milliseconds timeout) {
    // Only the time limits it: if this process dies, the processes in the job continue.
    const KernelHandle job(CreateJobObjectW(nullptr, nullptr));
    if (!job) return last_error("create", "a job object");
    const auto child =
        create_process(program, arguments, working_directory, CREATE_SUSPENDED | CREATE_NO_WINDOW, nullptr);
    if (!child) return child.error();
    const auto name = to_utf8(program.native());
    if (!AssignProcessToJobObject(job.get(), child->process.get())) {
        const auto error = last_error("put into a job", name);
        TerminateProcess(child->process.get(), 1);
        return error;
    }
    ResumeThread(child->thread.get());

    const auto wait = static_cast<DWORD>(std::clamp<std::int64_t>(timeout.count(), 0, INFINITE - 1));
    const auto waited = WaitForSingleObject(child->process.get(), wait);
    if (waited == WAIT_TIMEOUT) {
        TerminateJobObject(job.get(), 1);
        WaitForSingleObject(child->process.get(), 5000);
        return Error::timed_out(fmt::format("{} did not end within {} ms", name, timeout.count()));
    }
    DWORD exit_code = 0;
    if (waited != WAIT_OBJECT_0 || !GetExitCodeProcess(child->process.get(), &exit_code)) {
        return last_error("wait for", name);
    }
    return static_cast<int>(exit_code);
}

std::filesystem::path this_executable() {
    std::wstring path(MAX_PATH, L'\0');
    for (;;) {
        const auto length = GetModuleFileNameW(nullptr, path.data(), static_cast<DWORD>(path.size()));
        if (length < path.size()) return path.substr(0, length);
        path.resize(path.size() * 2);
    }
}

std::uint32_t this_process_id() {
    return GetCurrentProcessId();
}

bool is_privileged() {
    alignas(SID) BYTE administrators[SECURITY_MAX_SID_SIZE];
    DWORD size = sizeof administrators;
    BOOL member = FALSE;
    // Without elevation the group is in the token for denials only; SYSTEM is a member.
    return CreateWellKnownSid(WinBuiltinAdministratorsSid, nullptr, administrators, &size) &&
           CheckTokenMembership(nullptr, administrators, &member) && member;
}

}  // namespace machine::local
