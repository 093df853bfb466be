#include "remediations/machine/services.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <thread>

#include "remediations/machine/windows/account.hpp"
#include "remediations/machine/windows/parts.hpp"
#include "remediations/machine/windows/system_error.hpp"
#include "remediations/machine/windows/text.hpp"
#include "remediations/machine/windows/unique_handle.hpp"

namespace machine::windows {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

std::string lower_case(std::string text) {
    for (auto& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    return text;
}

std::string_view state_name(DWORD state) {
    switch (state) {
        case SERVICE_START_PENDING:
            return "START_PENDING";
        case SERVICE_STOP_PENDING:
            return "STOP_PENDING";
        case SERVICE_PAUSE_PENDING:
            return "PAUSE_PENDING";
        case SERVICE_CONTINUE_PENDING:
            return "CONTINUE_PENDING";
        case SERVICE_PAUSED:
            return "PAUSED";
        case SERVICE_RUNNING:
            return "RUNNING";
        default:
            return "STOPPED";
    }
}

std::uint32_t exit_code(const SERVICE_STATUS_PROCESS& status) {
    return status.dwWin32ExitCode == ERROR_SERVICE_SPECIFIC_ERROR ? status.dwServiceSpecificExitCode
                                                                  : status.dwWin32ExitCode;
}

ServiceState state_of(const SERVICE_STATUS_PROCESS& status) {
    switch (status.dwCurrentState) {
        case SERVICE_START_PENDING:
        case SERVICE_CONTINUE_PENDING:
            return ServiceState::starting;
        case SERVICE_STOP_PENDING:
        case SERVICE_PAUSE_PENDING:
            return ServiceState::stopping;
        case SERVICE_RUNNING:
        case SERVICE_PAUSED:
            return ServiceState::running;
        default:
            return exit_code(status) == 0 || status.dwWin32ExitCode == error_service_never_started
                       ? ServiceState::stopped
                       : ServiceState::failed;
    }
}

StartType start_type(DWORD start) {
    switch (start) {
        case SERVICE_DEMAND_START:
            return StartType::manual;
        case SERVICE_DISABLED:
            return StartType::disabled;
        default:
            return StartType::automatic;  // drivers have two more numbers for this
    }
}

DWORD start_number(StartType start) {
    switch (start) {
        case StartType::automatic:
            return SERVICE_AUTO_START;
        case StartType::manual:
            return SERVICE_DEMAND_START;
        case StartType::disabled:
            return SERVICE_DISABLED;
    }
    return SERVICE_NO_CHANGE;
}

std::string expand_variables(const wchar_t* text) {
    std::wstring expanded(ExpandEnvironmentStringsW(text, nullptr, 0), L'\0');
    const auto units = ExpandEnvironmentStringsW(text, expanded.data(), static_cast<DWORD>(expanded.size()));
    expanded.resize(units > 0 ? units - 1 : 0);
    return to_utf8(expanded);
}

/// For a service that is starting or stopping: the service manager notices the end of its process with a delay.
bool is_process_gone(const SERVICE_STATUS_PROCESS& status) {
    const bool is_pending =
        status.dwCurrentState == SERVICE_START_PENDING || status.dwCurrentState == SERVICE_STOP_PENDING;
    if (!is_pending || status.dwProcessId == 0) return false;
    const KernelHandle process(OpenProcess(SYNCHRONIZE, FALSE, status.dwProcessId));
    if (!process) return GetLastError() == ERROR_INVALID_PARAMETER;
    return WaitForSingleObject(process.get(), 0) == WAIT_OBJECT_0;
}

Error service_error(DWORD code, std::string_view action, const std::string& name) {
    auto error = windows_error(code, action, "service " + name);
    if (code == ERROR_SERVICE_DISABLED) error.message = fmt::format("service {} is disabled", name);
    if (code == ERROR_SERVICE_DOES_NOT_EXIST) error.message = fmt::format("service {} is not installed", name);
    if (code == ERROR_SERVICE_MARKED_FOR_DELETE) {
        error.message = fmt::format(
            "service {} is marked for deletion: it goes once every program has closed it, "
            "at the latest when the computer restarts",
            name);
    }
    return error;
}

Result<ServiceHandle> open_manager(DWORD access) {
    ServiceHandle manager(OpenSCManagerW(nullptr, nullptr, access));
    if (!manager) return last_error("open", "the service control manager");
    return manager;
}

/// An open service.
class OpenedService {
public:
    static Result<OpenedService> open(const std::string& name, DWORD access) {
        const auto wide_name = to_wide_name(name);
        if (!wide_name) return wide_name.error();
        const auto manager = open_manager(SC_MANAGER_CONNECT);
        if (!manager) return manager.error();
        ServiceHandle handle(OpenServiceW(manager->get(), wide_name->c_str(), access));
        if (!handle) return service_error(GetLastError(), "open", name);
        return OpenedService(name, std::move(handle));
    }

    SC_HANDLE get() const { return handle_.get(); }

    Result<SERVICE_STATUS_PROCESS> status() const {
        SERVICE_STATUS_PROCESS status{};
        DWORD needed = 0;
        if (!QueryServiceStatusEx(get(), SC_STATUS_PROCESS_INFO, reinterpret_cast<BYTE*>(&status), sizeof status,
                                  &needed)) {
            return service_error(GetLastError(), "query", name_);
        }
        if (is_process_gone(status)) {
            status.dwCurrentState = SERVICE_STOPPED;
            status.dwWin32ExitCode = ERROR_PROCESS_ABORTED;
            status.dwProcessId = 0;
        }
        return status;
    }

    /// Waits until the state of the service is not one of `passing`; polls as often as the service's own hint suggests.
    /// ErrorKind::timed_out names the state in which it hangs.
    Result<SERVICE_STATUS_PROCESS> wait(std::initializer_list<DWORD> passing, Clock::time_point deadline) const {
        for (;;) {
            const auto status = this->status();
            if (!status) return status.error();
            if (std::find(passing.begin(), passing.end(), status->dwCurrentState) == passing.end()) return status;
            const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now());
            if (left <= milliseconds::zero()) {
                return Error::timed_out(
                    fmt::format("service {} hangs in {}", name_, state_name(status->dwCurrentState)),
                    ERROR_SERVICE_REQUEST_TIMEOUT);
            }
            const milliseconds hint(status->dwWaitHint / 10);
            std::this_thread::sleep_for(std::min(left, std::clamp(hint, milliseconds(20), milliseconds(1000))));
        }
    }

private:
    OpenedService(std::string name, ServiceHandle handle) : name_(std::move(name)), handle_(std::move(handle)) {}

    std::string name_;
    ServiceHandle handle_;
};

class WindowsServices final : public Services {
public:
    Result<Service> find(const std::string& name) const override {
        const auto opened = OpenedService::open(name, SERVICE_QUERY_STATUS | SERVICE_QUERY_CONFIG);
        if (!opened) return opened.error();
        const auto status = opened->status();
        if (!status) return status.error();

        // 8 KiB is the documented maximum.
        alignas(QUERY_SERVICE_CONFIGW) BYTE buffer[8192];
        auto& config = *reinterpret_cast<QUERY_SERVICE_CONFIGW*>(buffer);
        DWORD needed = 0;
        if (!QueryServiceConfigW(opened->get(), &config, sizeof buffer, &needed)) {
            return service_error(GetLastError(), "query the configuration of", name);
        }
        Service service;
        service.name = name;
        service.state = state_of(*status);
        service.start = start_type(config.dwStartType);
        service.delayed = is_delayed(name);
        if (config.lpServiceStartName) service.account = account_sid(config.lpServiceStartName);
        if (config.lpBinaryPathName) service.binary = expand_variables(config.lpBinaryPathName);
        service.exit_code = exit_code(*status);
        service.pid = status->dwProcessId;
        service.depends_on = dependencies(name);
        return service;
    }

    /// Returns them in the order in which to stop them: a service comes before those that it depends on.
    Result<std::vector<std::string>> running_dependents(const std::string& name) const override {
        const auto opened = OpenedService::open(name, SERVICE_QUERY_STATUS);
        if (!opened) return opened.error();
        const auto running = running_services();
        if (!running) return running.error();

        std::multimap<std::string, std::string> dependents_of;
        for (const auto& service : *running) {
            for (const auto& dependency : dependencies(service)) dependents_of.emplace(lower_case(dependency), service);
        }
        std::vector<std::string> found;
        std::set<std::string> seen;
        const std::function<void(const std::string&)> visit = [&](const std::string& service) {
            if (!seen.insert(lower_case(service)).second) return;
            const auto [first, last] = dependents_of.equal_range(lower_case(service));
            std::for_each(first, last, [&](const auto& entry) { visit(entry.second); });
            found.push_back(service);
        };
        visit(name);
        found.pop_back();
        return found;
    }

    Result<void> start(const std::string& name, milliseconds timeout) override {
        return start_until(name, Clock::now() + timeout);
    }

    Result<void> stop(const std::string& name, milliseconds timeout) override {
        return stop_until(name, Clock::now() + timeout);
    }

    Result<void> restart(const std::string& name, milliseconds timeout) override {
        const auto deadline = Clock::now() + timeout;
        const auto dependents = running_dependents(name);
        if (!dependents) return dependents.error();

        std::vector<std::string> to_start;
        Result<void> result;
        for (const auto& dependent : *dependents) {
            result = stop_until(dependent, deadline);
            if (!result) break;
            to_start.push_back(dependent);
        }
        if (result) result = stop_until(name, deadline);
        if (result) result = start_until(name, deadline);
        // Also after a failure: what we stopped is not left stopped. The first error is the one to report.
        for (auto dependent = to_start.rbegin(); dependent != to_start.rend(); ++dependent) {
            const auto started = start_until(*dependent, deadline);
            if (result && !started) result = started;
        }
        return result;
    }

    Result<void> set_start(const std::string& name, StartType start) override {
        return configure(name, "change the start type of", start_number(start), nullptr, nullptr);
    }

    Result<void> set_restarts(const std::string& name, bool) override {
        return Error::unsupported("the recovery actions of service " + name + " are not changed");
    }

    Result<void> set_account(const std::string& name, const std::string& account) override {
        const auto wanted = service_account(account);
        if (!wanted) return wanted.error();
        return configure(name, "change the account of", SERVICE_NO_CHANGE, wanted->name.c_str(),
                         wanted->has_password ? nullptr : L"");
    }

private:
    /// Returns the key that the service manager itself reads. Its query functions for the same data do not exist on
    /// some older systems.
    static std::string registry_key(const std::string& name) {
        return "HKLM\\SYSTEM\\CurrentControlSet\\Services\\" + name;
    }

    bool is_delayed(const std::string& name) const {
        const auto value = registry_->value(registry_key(name), "DelayedAutostart");
        const auto* number = value ? std::get_if<std::uint64_t>(&value->data) : nullptr;
        return number && *number != 0;
    }

    std::vector<std::string> dependencies(const std::string& name) const {
        const auto value = registry_->value(registry_key(name), "DependOnService");
        const auto* list = value ? std::get_if<std::vector<std::string>>(&value->data) : nullptr;
        return list ? *list : std::vector<std::string>{};
    }

    static Result<std::vector<std::string>> running_services() {
        const auto manager = open_manager(SC_MANAGER_CONNECT | SC_MANAGER_ENUMERATE_SERVICE);
        if (!manager) return manager.error();
        std::vector<std::string> names;
        std::vector<BYTE> buffer(64 * 1024);
        DWORD resume = 0;
        for (bool more = true; more;) {
            DWORD needed = 0;
            DWORD count = 0;
            more = !EnumServicesStatusExW(manager->get(), SC_ENUM_PROCESS_INFO, SERVICE_WIN32, SERVICE_ACTIVE,
                                          buffer.data(), static_cast<DWORD>(buffer.size()), &needed, &count, &resume,
                                          nullptr);
            if (more && GetLastError() != ERROR_MORE_DATA) return last_error("list", "the running services");
            const auto* services = reinterpret_cast<const ENUM_SERVICE_STATUS_PROCESSW*>(buffer.data());
            for (DWORD i = 0; i < count; ++i) names.push_back(to_utf8(services[i].lpServiceName));
            if (more && count == 0) return windows_error(ERROR_MORE_DATA, "list", "the running services");
        }
        return names;
    }

    static Result<void> start_until(const std::string& name, Clock::time_point deadline) {
        const auto opened = OpenedService::open(name, SERVICE_START | SERVICE_QUERY_STATUS);
        if (!opened) return opened.error();
        // A service that is just stopping cannot be started before it has.
        const auto before = opened->wait({SERVICE_STOP_PENDING}, deadline);
        if (!before) return before.error();
        // Blocks until the new process answers; the service manager gives it 30 seconds by default.
        while (!StartServiceW(opened->get(), 0, nullptr)) {
            const auto code = GetLastError();
            const auto now = opened->status();
            const bool runs = now && now->dwCurrentState != SERVICE_STOPPED;
            if (code == ERROR_SERVICE_ALREADY_RUNNING && runs) break;
            // Another service is being started, as happens while the computer starts; or its process has just ended.
            const bool passes = code == ERROR_SERVICE_DATABASE_LOCKED || code == ERROR_SERVICE_ALREADY_RUNNING;
            const bool may_wait = passes && Clock::now() < deadline;
            if (!may_wait) return service_error(code, "start", name);
            std::this_thread::sleep_for(milliseconds(50));
        }
        const auto status = opened->wait({SERVICE_START_PENDING, SERVICE_CONTINUE_PENDING}, deadline);
        if (!status) return status.error();
        if (status->dwCurrentState != SERVICE_RUNNING && status->dwCurrentState != SERVICE_PAUSED) {
            return Error::failed(
                fmt::format("service {} stopped while it started, with exit code {}", name, exit_code(*status)),
                static_cast<long>(exit_code(*status)));
        }
        return {};
    }

    Result<void> stop_until(const std::string& name, Clock::time_point deadline) const {
        const auto opened = OpenedService::open(name, SERVICE_STOP | SERVICE_QUERY_STATUS);
        if (!opened) return opened.error();
        // A service that is just starting takes no controls.
        const auto before =
            opened->wait({SERVICE_START_PENDING, SERVICE_CONTINUE_PENDING, SERVICE_PAUSE_PENDING}, deadline);
        if (!before) return before.error();
        if (before->dwCurrentState == SERVICE_STOPPED) return {};
        if (before->dwCurrentState != SERVICE_STOP_PENDING) {
            SERVICE_STATUS ignored{};
            if (!ControlService(opened->get(), SERVICE_CONTROL_STOP, &ignored)) {
                const auto code = GetLastError();
                if (code == ERROR_DEPENDENT_SERVICES_RUNNING) return dependents_error(name);
                if (code != ERROR_SERVICE_NOT_ACTIVE) return service_error(code, "stop", name);
            }
        }
        const auto status = opened->wait({SERVICE_STOP_PENDING, SERVICE_RUNNING, SERVICE_PAUSED}, deadline);
        if (!status) return status.error();
        return {};
    }

    Error dependents_error(const std::string& name) const {
        const auto dependents = running_dependents(name);
        return Error::refused(
            fmt::format("service {} cannot be stopped while others that depend on it run: {}", name,
                        dependents ? fmt::format("{}", fmt::join(*dependents, ", ")) : dependents.error().message),
            ERROR_DEPENDENT_SERVICES_RUNNING);
    }

    static Result<void> configure(const std::string& name, std::string_view action, DWORD start, const wchar_t* account,
                                  const wchar_t* password) {
        const auto opened = OpenedService::open(name, SERVICE_CHANGE_CONFIG);
        if (!opened) return opened.error();
        if (!ChangeServiceConfigW(opened->get(), SERVICE_NO_CHANGE, start, SERVICE_NO_CHANGE, nullptr, nullptr, nullptr,
                                  nullptr, account, password, nullptr)) {
            return service_error(GetLastError(), action, name);
        }
        return {};
    }

    std::unique_ptr<Registry> registry_ = make_registry();

    // Keeps one connection to the service manager: under Wine, several first calls at once confuse their handles.
    // A process that may not connect gets the error from the call that needs the connection.
    ServiceHandle connection_{OpenSCManagerW(nullptr, nullptr, SC_MANAGER_CONNECT)};
};

}  // namespace

std::unique_ptr<Services> make_services() {
    return std::make_unique<WindowsServices>();
}

}  // namespace machine::windows
