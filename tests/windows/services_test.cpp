#include "remediations/machine/services.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "bench.hpp"
#include "remediations/machine/windows/parts.hpp"

#include <windows.h>
#include <winsvc.h>

namespace machine::services_test {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr auto network_service = "S-1-5-20";
constexpr auto local_system = "S-1-5-18";

/// A service of ours in the real service manager; stopped and deleted afterwards.
class TestService {
public:
    TestService(const std::wstring& name, const std::wstring& behaviour, const wchar_t* depends_on = nullptr) {
        const auto command = L"\"" + bench("test_service.exe").wstring() + L"\" " + name + L" " + behaviour;
        handle_ = CreateServiceW(manager(), name.c_str(), nullptr, SERVICE_ALL_ACCESS, SERVICE_WIN32_OWN_PROCESS,
                                 SERVICE_DEMAND_START, SERVICE_ERROR_NORMAL, command.c_str(), nullptr, nullptr,
                                 depends_on, nullptr, nullptr);
        if (!handle_) throw std::runtime_error("cannot create the service: " + std::to_string(GetLastError()));
    }
    TestService(const TestService&) = delete;
    TestService& operator=(const TestService&) = delete;
    ~TestService() {
        SERVICE_STATUS_PROCESS status{};
        DWORD needed = 0;
        QueryServiceStatusEx(handle_, SC_STATUS_PROCESS_INFO, reinterpret_cast<BYTE*>(&status), sizeof status, &needed);
        if (status.dwProcessId != 0) {
            const auto process = OpenProcess(PROCESS_TERMINATE, FALSE, status.dwProcessId);
            TerminateProcess(process, 0);
            CloseHandle(process);
        }
        DeleteService(handle_);
        CloseServiceHandle(handle_);
    }

    SC_HANDLE get() const { return handle_; }

private:
    static SC_HANDLE manager() {
        static const SC_HANDLE manager = OpenSCManagerW(nullptr, nullptr, SC_MANAGER_ALL_ACCESS);
        return manager;
    }

    SC_HANDLE handle_;
};

class WindowsServices : public testing::Test {
protected:
    std::unique_ptr<Services> services = windows::make_services();
    std::unique_ptr<Registry> registry = windows::make_registry();
};

TEST_F(WindowsServices, TellsThatAServiceIsNotInstalled) {
    const auto service = services->find("NoSuchService");
    ASSERT_FALSE(service);
    EXPECT_EQ(service.error().kind, ErrorKind::not_found);
    EXPECT_EQ(service.error().message, "service NoSuchService is not installed");
    EXPECT_EQ(services->start("NoSuchService").error().kind, ErrorKind::not_found);
    EXPECT_EQ(services->find(std::string("a\0b", 3)).error().kind, ErrorKind::invalid);
}

TEST_F(WindowsServices, DescribesAService) {
    const TestService created(L"BrtDescribed", L"normal", L"RpcSs\0BrtOther\0");
    const auto service = services->find("brtdescribed").value();
    EXPECT_EQ(service.state, ServiceState::stopped);
    EXPECT_EQ(service.start, StartType::manual);
    EXPECT_FALSE(service.delayed);
    EXPECT_EQ(service.account, local_system);
    EXPECT_THAT(service.binary, HasSubstr("test_service.exe"));
    EXPECT_EQ(service.exit_code, error_service_never_started);
    EXPECT_EQ(service.pid, 0U);
    EXPECT_THAT(service.depends_on, ElementsAre("RpcSs", "BrtOther"));

    ASSERT_TRUE(registry->set_value("HKLM\\SYSTEM\\CurrentControlSet\\Services\\BrtDescribed", "DelayedAutostart",
                                    {RegistryType::dword, std::uint64_t{1}}));
    EXPECT_TRUE(services->find("BrtDescribed").value().delayed);
}

TEST_F(WindowsServices, StartsAndStops) {
    const TestService created(L"BrtNormal", L"normal");
    ASSERT_TRUE(services->start("BrtNormal"));
    const auto running = services->find("BrtNormal").value();
    EXPECT_EQ(running.state, ServiceState::running);
    EXPECT_NE(running.pid, 0U);
    EXPECT_TRUE(services->start("BrtNormal")) << "a running service is started already";

    ASSERT_TRUE(services->restart("BrtNormal"));
    const auto restarted = services->find("BrtNormal").value();
    EXPECT_EQ(restarted.state, ServiceState::running);
    EXPECT_NE(restarted.pid, running.pid);

    ASSERT_TRUE(services->stop("BrtNormal"));
    EXPECT_EQ(services->find("BrtNormal").value().state, ServiceState::stopped);
    EXPECT_TRUE(services->stop("BrtNormal")) << "a stopped service is stopped already";
}

TEST_F(WindowsServices, NamesTheExitCodeOfAServiceThatStopsWhileItStarts) {
    const TestService created(L"BrtRefuses", L"refuse 1234");
    const auto started = services->start("BrtRefuses");
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().kind, ErrorKind::failed);
    EXPECT_EQ(started.error().code, 1234);
    EXPECT_THAT(started.error().message, HasSubstr("exit code 1234"));
    const auto service = services->find("BrtRefuses").value();
    EXPECT_EQ(service.state, ServiceState::failed);
    EXPECT_EQ(service.exit_code, 1234U);
}

TEST_F(WindowsServices, NamesThePendingStateItWaitedInVain) {
    const TestService starting(L"BrtHangsStarting", L"hang-start");
    const auto before = std::chrono::steady_clock::now();
    const auto started = services->start("BrtHangsStarting", milliseconds(300));
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5));
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().kind, ErrorKind::timed_out);
    EXPECT_THAT(started.error().message, HasSubstr("START_PENDING"));
    EXPECT_EQ(services->find("BrtHangsStarting").value().state, ServiceState::starting);

    const TestService stopping(L"BrtHangsStopping", L"hang-stop");
    ASSERT_TRUE(services->start("BrtHangsStopping"));
    const auto stopped = services->stop("BrtHangsStopping", milliseconds(300));
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().kind, ErrorKind::timed_out);
    EXPECT_THAT(stopped.error().message, HasSubstr("STOP_PENDING"));
    EXPECT_EQ(services->find("BrtHangsStopping").value().state, ServiceState::stopping);
}

TEST_F(WindowsServices, StartsAServiceThatHungAndWhoseProcessWasEnded) {
    const auto processes = windows::make_processes();
    const TestService created(L"BrtEnded", L"hang-stop");
    ASSERT_TRUE(services->start("BrtEnded"));
    ASSERT_FALSE(services->stop("BrtEnded", milliseconds(100)));
    const auto before = services->find("BrtEnded").value();
    EXPECT_EQ(before.state, ServiceState::stopping);
    const auto all = processes->list().value();
    const auto process = std::ranges::find(all, before.pid, &Process::pid);
    ASSERT_NE(process, all.end());
    ASSERT_TRUE(processes->end(process->pid, process->started));
    const auto ended = services->find("BrtEnded").value();
    EXPECT_EQ(ended.state, ServiceState::failed);
    EXPECT_EQ(ended.pid, 0U);
    ASSERT_TRUE(services->start("BrtEnded"));
    const auto started = services->find("BrtEnded").value();
    EXPECT_EQ(started.state, ServiceState::running);
    EXPECT_NE(started.pid, before.pid);
}

TEST_F(WindowsServices, NoticesThatAServiceIsDeletedWhileItStarts) {
    const TestService created(L"BrtDeletesItself", L"delete-itself");
    const auto started = services->start("BrtDeletesItself");
    ASSERT_FALSE(started);
    EXPECT_THAT(started.error().message, HasSubstr("BrtDeletesItself"));
}

TEST_F(WindowsServices, ChangesTheStartType) {
    const TestService created(L"BrtStartType", L"normal");
    for (const auto start : {StartType::disabled, StartType::automatic, StartType::manual}) {
        ASSERT_TRUE(services->set_start("BrtStartType", start));
        EXPECT_EQ(services->find("BrtStartType").value().start, start);
    }
    ASSERT_TRUE(services->set_start("BrtStartType", StartType::disabled));
    const auto started = services->start("BrtStartType");
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().kind, ErrorKind::refused);
    EXPECT_EQ(started.error().message, "service BrtStartType is disabled");
}

TEST_F(WindowsServices, ChangesTheAccountBySid) {
    const TestService created(L"BrtAccount", L"normal");
    for (const auto* account : {network_service, "S-1-5-19", local_system}) {
        ASSERT_TRUE(services->set_account("BrtAccount", account)) << account;
        EXPECT_EQ(services->find("BrtAccount").value().account, account);
    }
    // Accounts of this computer are known by the SID too, and come back by it.
    ASSERT_TRUE(services->set_account("BrtAccount", "NT SERVICE\\BrtAccount"));
    const auto configured = services->find("BrtAccount").value().account;
    ASSERT_TRUE(services->set_account("BrtAccount", network_service));
    ASSERT_TRUE(services->set_account("BrtAccount", configured));
    EXPECT_EQ(services->find("BrtAccount").value().account, configured);

    const auto unknown = services->set_account("BrtAccount", "S-1-5-21-1-2-3-4");
    ASSERT_FALSE(unknown);
    EXPECT_THAT(unknown.error().message, HasSubstr("S-1-5-21-1-2-3-4"));
}

TEST_F(WindowsServices, RestartsWhatDependsOnIt) {
    const TestService base(L"BrtBase", L"normal");
    const TestService middle(L"BrtMiddle", L"normal", L"BrtBase\0");
    const TestService top(L"BrtTop", L"normal", L"brtmiddle\0BrtBase\0");
    const TestService idle(L"BrtIdle", L"normal", L"BrtBase\0");
    for (const auto* name : {"BrtBase", "BrtMiddle", "BrtTop"}) ASSERT_TRUE(services->start(name));
    EXPECT_THAT(services->running_dependents("BrtBase").value(), ElementsAre("BrtTop", "BrtMiddle"));
    EXPECT_EQ(services->running_dependents("NoSuchService").error().kind, ErrorKind::not_found);

    const auto pid = services->find("BrtTop").value().pid;
    ASSERT_TRUE(services->restart("BrtBase"));
    const auto dependent = services->find("BrtTop").value();
    EXPECT_EQ(dependent.state, ServiceState::running);
    EXPECT_NE(dependent.pid, pid);
    EXPECT_EQ(services->find("BrtMiddle").value().state, ServiceState::running);
    EXPECT_EQ(services->find("BrtIdle").value().state, ServiceState::stopped);
}

TEST_F(WindowsServices, StartsDependentsAgainWhenARestartFails) {
    const TestService base(L"BrtStuckBase", L"hang-stop");
    const TestService dependent(L"BrtStuckDependent", L"normal", L"BrtStuckBase\0");
    ASSERT_TRUE(services->start("BrtStuckBase"));
    ASSERT_TRUE(services->start("BrtStuckDependent"));
    const auto restarted = services->restart("BrtStuckBase", milliseconds(1500));
    ASSERT_FALSE(restarted);
    EXPECT_THAT(restarted.error().message, HasSubstr("BrtStuckBase hangs in STOP_PENDING"));
    services->start("BrtStuckDependent", milliseconds(2000)).value();
    EXPECT_EQ(services->find("BrtStuckDependent").value().state, ServiceState::running);
}

TEST_F(WindowsServices, SaysThatAServiceIsMarkedForDeletion) {
    const TestService created(L"BrtDeleted", L"normal");
    ASSERT_TRUE(services->start("BrtDeleted"));
    ASSERT_TRUE(DeleteService(created.get()));
    const auto changed = services->set_start("BrtDeleted", StartType::disabled);
    ASSERT_FALSE(changed);
    EXPECT_EQ(changed.error().kind, ErrorKind::refused);
    EXPECT_THAT(changed.error().message, HasSubstr("marked for deletion"));
}

}  // namespace
}  // namespace machine::services_test
