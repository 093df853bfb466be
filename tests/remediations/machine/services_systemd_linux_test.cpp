#include "remediations/machine/linux/services_systemd.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "tests/remediations/machine/temporary_folder.hpp"

namespace machine::local::services_systemd_linux_test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

TEST(SystemctlShow, IsParsed) {
    const auto units = parse_systemctl_show("Id=a.service\nExecStart={ path=/bin/a ; argv[]=/bin/a --x=1 }\nUser=\n");
    ASSERT_EQ(units->size(), 1u);
    EXPECT_THAT(units->front(), UnorderedElementsAre(Pair("Id", "a.service"), Pair("User", ""),
                                                     Pair("ExecStart", "{ path=/bin/a ; argv[]=/bin/a --x=1 }")));
}

TEST(SystemctlShow, BlocksAreUnits) {
    const auto units = parse_systemctl_show("\nId=a.service\n\n\nId=b.service\nMainPID=0\n\n");
    ASSERT_EQ(units->size(), 2u);
    EXPECT_EQ(units->at(1).at("Id"), "b.service");
}

TEST(SystemctlShow, TheFirstCommandCountsAndLinesContinue) {
    const auto units = parse_systemctl_show("ExecStart=first\nExecStart=second\nLoadError=org.x \"two\nlines here\"\n");
    EXPECT_EQ(units->front().at("ExecStart"), "first");
    EXPECT_EQ(units->front().at("LoadError"), "org.x \"two\nlines here\"");
}

TEST(SystemctlShow, HostileTextIsAnErrorOrNothing) {
    EXPECT_TRUE(parse_systemctl_show("")->empty());
    EXPECT_TRUE(parse_systemctl_show("\n\n\n")->empty());
    const auto wrong = parse_systemctl_show("Id=a\n\nFailed to connect to bus");
    EXPECT_EQ(wrong.error().kind, ErrorKind::invalid);
    EXPECT_THAT(wrong.error().message, HasSubstr("line 3: expected Key=value, found 'Failed"));
    EXPECT_FALSE(parse_systemctl_show("=value"));
    EXPECT_FALSE(parse_systemctl_show(std::string("\0\xff", 2)));
    EXPECT_LT(parse_systemctl_show(std::string(100000, 'x')).error().message.size(), 400u);
}

TEST(SystemdService, IsReadFromItsProperties) {
    // As systemd 252 says it of a running sshd.
    const auto service = service_from({{"Id", "ssh.service"},
                                       {"LoadState", "loaded"},
                                       {"ActiveState", "active"},
                                       {"UnitFileState", "enabled"},
                                       {"User", ""},
                                       {"ExecStart", "{ path=/usr/sbin/sshd ; argv[]=/usr/sbin/sshd -D $SSHD_OPTS ; }"},
                                       {"ExecMainStatus", "0"},
                                       {"MainPID", "812"},
                                       {"Requires", "sysinit.target system.slice -.mount dbus.service"},
                                       {"BindsTo", "one.service two.socket"}},
                                      "sshd");
    ASSERT_TRUE(service) << service.error().message;
    EXPECT_EQ(service->name, "ssh");
    EXPECT_EQ(service->state, ServiceState::running);
    EXPECT_EQ(service->start, StartType::automatic);
    EXPECT_EQ(service->account, "root");
    EXPECT_EQ(service->binary, "/usr/sbin/sshd");
    EXPECT_EQ(service->pid, 812u);
    EXPECT_THAT(service->depends_on, ElementsAre("dbus", "one"));
    EXPECT_EQ(service->restart_count, 0u) << "systemd before 235 does not count them";
}

TEST(SystemdService, RestartsAreCounted) {
    const auto with = [](const std::string& restart) {
        return *service_from({{"LoadState", "loaded"}, {"Restart", restart}, {"NRestarts", "17"}}, "x");
    };
    for (const char* restart : {"always", "on-failure", "on-abnormal", "on-abort", "on-watchdog", "on-success"}) {
        EXPECT_TRUE(with(restart).restarts) << restart;
    }
    EXPECT_FALSE(with("no").restarts);
    EXPECT_FALSE(with("").restarts);
    EXPECT_EQ(with("always").restart_count, 17u);
}

TEST(SystemdService, StatesAndStartTypes) {
    const auto with = [](UnitProperties properties) {
        properties.insert({"LoadState", "loaded"});
        return *service_from(properties, "x");
    };
    EXPECT_EQ(with({{"ActiveState", "reloading"}}).state, ServiceState::running);
    EXPECT_EQ(with({{"ActiveState", "activating"}}).state, ServiceState::starting);
    EXPECT_EQ(with({{"ActiveState", "deactivating"}}).state, ServiceState::stopping);
    EXPECT_EQ(with({{"ActiveState", "failed"}}).state, ServiceState::failed);
    EXPECT_EQ(with({{"ActiveState", "inactive"}}).state, ServiceState::stopped);
    EXPECT_EQ(with({{"UnitFileState", "disabled"}}).start, StartType::manual);
    EXPECT_EQ(with({{"UnitFileState", "static"}, {"WantedBy", "x.target"}}).start, StartType::manual);
    EXPECT_EQ(with({{"UnitFileState", "masked"}}).start, StartType::disabled);
    EXPECT_EQ(with({{"UnitFileState", "masked-runtime"}}).start, StartType::disabled);
    EXPECT_EQ(with({{"UnitFileState", "generated"}, {"WantedBy", "multi-user.target"}}).start, StartType::automatic);
    EXPECT_EQ(with({{"UnitFileState", "generated"}}).start, StartType::manual);
    EXPECT_EQ(with({{"UnitFileState", ""}, {"WantedBy", "multi-user.target"}}).start, StartType::automatic);
    EXPECT_EQ(with({{"User", "nobody"}}).account, "nobody");
}

TEST(SystemdService, WhatCannotBeUsedIsAnError) {
    EXPECT_EQ(service_from({{"LoadState", "not-found"}}, "x").error().kind, ErrorKind::not_found);
    EXPECT_EQ(service_from({{"LoadState", "masked"}}, "x")->start, StartType::disabled);
    EXPECT_EQ(service_from({{"LoadState", "bad-setting"}}, "x").error().kind, ErrorKind::invalid);
    EXPECT_EQ(service_from({{"LoadState", "bad-setting"}}, "x").error().code, error_unit_refused);
    EXPECT_EQ(service_from({}, "x").error().kind, ErrorKind::invalid);
}

/// A systemctl of our own: a shell script that keeps a unit's state in files. The real one is
/// tried in a container.
class SystemdServicesTest : public testing::Test {
protected:
    void SetUp() override {
        folder.file("active", "inactive");
        folder.file("enabled", "disabled");
        // Arguments: verb --no-ask-password -- unit..., or show --no-pager --property=... -- unit...
        folder.script("systemctl", R"sh(#!/bin/sh
cd ')sh" + folder.path().string() + R"sh('
verb=$1
echo "$*" >> calls
shift 2
while [ $# -gt 0 ] && [ "$1" != -- ]; do shift; done
[ $# -eq 0 ] || shift
case $verb in
    show)
        for unit; do
            echo "Id=$unit"
            case $unit in
                absent.service) echo LoadState=not-found; echo ActiveState=inactive ;;
                *) echo LoadState=loaded; echo "ActiveState=$(cat active)"; echo "UnitFileState=$(cat enabled)" ;;
            esac
            cat "loaded-$unit" 2> /dev/null
            cat "dependents-$unit" 2> /dev/null
            echo
        done ;;
    start | restart) [ ! -e broken ] || { echo 'Job failed. See the journal.' >&2; echo failed > active; exit 1; }
        [ ! -e slow ] || { echo activating > active; sleep 100; }
        echo active > active ;;
    stop) echo inactive > active ;;
    enable) [ -e static ] || echo enabled > enabled ;;
    disable | unmask) echo disabled > enabled ;;
    mask) echo masked > enabled ;;
    daemon-reload) [ ! -e unloadable ] || { echo 'Access denied' >&2; exit 4; }
        rm -f loaded-*; for unit in units/*.d; do grep -h Restart= "$unit"/* > loaded-$(basename "$unit" .d) 2> /dev/null; done; : ;;
esac
)sh");
    }

    TemporaryFolder folder;
    SystemdServices services{folder / "systemctl", folder / "units"};
};

TEST_F(SystemdServicesTest, FindsWithOrWithoutTheSuffix) {
    EXPECT_EQ(services.find("x")->name, "x");
    EXPECT_EQ(services.find("x.service")->name, "x");
    EXPECT_EQ(services.find("absent").error().kind, ErrorKind::not_found);
    EXPECT_THAT(services.find("absent").error().message, HasSubstr("absent"));
}

TEST_F(SystemdServicesTest, ANameIsNeverAnOption) {
    for (const char* name : {"", "-x", "--force", "a b", "a/b", "../x", "x;y", "x\n"}) {
        EXPECT_EQ(services.find(name).error().kind, ErrorKind::invalid) << name;
        EXPECT_EQ(services.stop(name, 10s).error().kind, ErrorKind::invalid) << name;
    }
    EXPECT_FALSE(std::filesystem::exists(folder / "calls"));
}

TEST_F(SystemdServicesTest, StartsStopsAndRestarts) {
    EXPECT_TRUE(services.start("x", 10s));
    EXPECT_EQ(services.find("x")->state, ServiceState::running);
    EXPECT_TRUE(services.restart("x", 10s));
    EXPECT_TRUE(services.stop("x", 10s));
    EXPECT_EQ(services.find("x")->state, ServiceState::stopped);
    EXPECT_THAT(text_in(folder / "calls"), HasSubstr("restart --no-ask-password -- x.service\n"));
}

TEST_F(SystemdServicesTest, SaysWhyAServiceDoesNotStart) {
    folder.file("broken", "");
    const auto started = services.start("x", 10s);
    EXPECT_EQ(started.error().kind, ErrorKind::refused);
    EXPECT_THAT(started.error().message, HasSubstr("Job failed. See the journal. (x is failed)"));
}

TEST_F(SystemdServicesTest, NamesTheStateAServiceHangsIn) {
    folder.file("slow", "");
    const auto started = services.start("x", 300ms);
    EXPECT_EQ(started.error().kind, ErrorKind::timed_out);
    EXPECT_THAT(started.error().message, HasSubstr("(x is starting)"));
}

TEST_F(SystemdServicesTest, SetsTheStartType) {
    for (const StartType start :
         {StartType::automatic, StartType::disabled, StartType::manual, StartType::disabled, StartType::automatic}) {
        ASSERT_TRUE(services.set_start("x", start));
        EXPECT_EQ(services.find("x")->start, start);
    }
    EXPECT_EQ(services.set_start("absent", StartType::manual).error().kind, ErrorKind::not_found);
    EXPECT_TRUE(services.set_start("x", StartType::manual));
    folder.file("static", "");
    EXPECT_EQ(services.set_start("x", StartType::automatic).error().kind, ErrorKind::refused);
}

TEST_F(SystemdServicesTest, FindsDependentsOfDependentsOnce) {
    folder.file("active", "active");
    folder.file("dependents-x.service", "RequiredBy=a.service multi-user.target\nBoundBy=b.service\n");
    folder.file("dependents-a.service", "RequiredBy=x.service c.service\n");
    folder.file("dependents-c.service", "ConsistsOf=a.service\n");
    EXPECT_THAT(*services.running_dependents("x"), ElementsAre("a", "b", "c"));
    folder.file("active", "inactive");
    EXPECT_THAT(*services.running_dependents("x"), IsEmpty());
    EXPECT_EQ(services.running_dependents("absent").error().kind, ErrorKind::not_found);
}

TEST_F(SystemdServicesTest, SetsRestartsWithADropInOfItsOwn) {
    std::filesystem::create_directory(folder / "units");
    const std::string drop_in = folder / "units/x.service.d/50-backup-remediation.conf";
    EXPECT_FALSE(services.find("x")->restarts);
    for (int repeated = 0; repeated < 2; ++repeated) {
        ASSERT_TRUE(services.set_restarts("x", true));
        EXPECT_TRUE(services.find("x")->restarts);
        EXPECT_EQ(text_in(drop_in), "[Service]\nRestart=always\nRestartSec=5\n");
    }
    struct stat status {};
    ASSERT_EQ(::stat(drop_in.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0644u);
    for (int repeated = 0; repeated < 2; ++repeated) {
        ASSERT_TRUE(services.set_restarts("x", false));
        EXPECT_FALSE(services.find("x")->restarts);
        EXPECT_FALSE(std::filesystem::exists(folder / "units/x.service.d"));
    }
    const std::string other = folder.file("units/x.service.d/10-other.conf", "[Service]\nRestart=on-failure\n");
    ASSERT_TRUE(services.set_restarts("x", true));
    ASSERT_TRUE(services.set_restarts("x", false));
    EXPECT_TRUE(std::filesystem::exists(other));
    EXPECT_TRUE(services.find("x")->restarts) << "somebody else's drop-in";
}

TEST_F(SystemdServicesTest, SaysWhyRestartsAreNotSet) {
    EXPECT_EQ(services.set_restarts("absent", true).error().kind, ErrorKind::not_found);
    EXPECT_EQ(services.set_restarts("../x", true).error().kind, ErrorKind::invalid);
    EXPECT_THAT(services.set_restarts("x", true).error().message, HasSubstr("units/x.service.d"));
    std::filesystem::create_directory(folder / "units");
    folder.file("unloadable", "");
    const auto set = services.set_restarts("x", true);
    EXPECT_EQ(set.error().kind, ErrorKind::refused);
    EXPECT_THAT(set.error().message, HasSubstr("exit code 4: Access denied"));
}

TEST_F(SystemdServicesTest, HasNoAccountToSet) {
    EXPECT_EQ(services.set_account("x", "root").error().kind, ErrorKind::unsupported);
}

TEST_F(SystemdServicesTest, ASystemctlThatSaysNothingIsAnError) {
    folder.script("systemctl", "#!/bin/sh\necho 'Failed to connect to bus' >&2; exit 1\n");
    const auto service = services.find("x");
    EXPECT_EQ(service.error().kind, ErrorKind::failed);
    EXPECT_THAT(service.error().message, HasSubstr("exit code 1): Failed to connect to bus"));
    EXPECT_EQ(SystemdServices("/no/such/systemctl").find("x").error().kind, ErrorKind::not_found);
}

}  // namespace
}  // namespace machine::local::services_systemd_linux_test
