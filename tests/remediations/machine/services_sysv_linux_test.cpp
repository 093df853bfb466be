#include "remediations/machine/linux/services_sysv.hpp"

#include <gmock/gmock.h>

#include <thread>

#include "tests/remediations/machine/temporary_folder.hpp"

namespace machine::local::services_sysv_linux_test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(LsbHeader, NamesWhatAServiceRequires) {
    EXPECT_THAT(required_services("#!/bin/sh\n### BEGIN INIT INFO\n# Provides: a\n"
                                  "# Required-Start: $network dbus +cups  sshd\n### END INIT INFO\n"),
                ElementsAre("dbus", "sshd"));
}

TEST(LsbHeader, HostileTextNamesNothing) {
    for (const char* text : {"", "# Required-Start: a", "### BEGIN INIT INFO\n# Required-Start: a",
                             "### END INIT INFO\n# Required-Start: a\n### BEGIN INIT INFO",
                             "### BEGIN INIT INFO\n# Required-Start:### END INIT INFO"}) {
        EXPECT_THAT(required_services(text), IsEmpty()) << text;
    }
}

/// An /etc and /usr/sbin of our own. The script keeps its state in a file `running`.
class SysvServicesTest : public testing::Test {
protected:
    void SetUp() override { add_script("agent", "$network"); }

    void add_script(const std::string& name, const std::string& requires_services) const {
        const std::string state = folder / (name + "-running");
        folder.script("etc/init.d/" + name, "#!/bin/sh\n### BEGIN INIT INFO\n# Required-Start: " + requires_services +
                                                "\n### END INIT INFO\nstate='" + state + R"sh('
case $1 in
    start | restart) [ ! -e "$state-broken" ] || exit 5
        : > "$state" ;;
    stop) rm -f "$state" ;;
    status) [ ! -e "$state-status" ] || exit "$(cat "$state-status")"
        [ -e "$state" ] || exit 3 ;;
    *) exit 2 ;;
esac
)sh");
    }

    void add_update_rc() const {
        folder.script("usr/sbin/update-rc.d", R"sh(#!/bin/sh
cd ')sh" + folder.path().string() + R"sh('/etc || exit 1
mkdir -p rc3.d
echo "$*" >> ../calls
rm -f rc3.d/???"$1"
case $2 in
    defaults | enable) ln -s "../init.d/$1" "rc3.d/S20$1" ;;
    disable) ln -s "../init.d/$1" "rc3.d/K80$1" ;;
esac
)sh");
    }

    TemporaryFolder folder;
    SysvServices services{folder.path()};
};

TEST_F(SysvServicesTest, FindsAScript) {
    const auto service = services.find("agent");
    ASSERT_TRUE(service) << service.error().message;
    EXPECT_EQ(service->name, "agent");
    EXPECT_EQ(service->state, ServiceState::stopped);
    EXPECT_EQ(service->start, StartType::manual);
    EXPECT_EQ(service->binary, folder / "etc/init.d/agent");
    EXPECT_EQ(services.find("absent").error().kind, ErrorKind::not_found);
    for (const char* name : {"", ".", "..", "../init.d/agent", "-x", "a b", "agent\n"}) {
        EXPECT_EQ(services.find(name).error().kind, ErrorKind::invalid) << name;
    }
}

TEST_F(SysvServicesTest, StartsStopsAndRestarts) {
    EXPECT_TRUE(services.start("agent", 10s));
    EXPECT_EQ(services.find("agent")->state, ServiceState::running);
    EXPECT_TRUE(services.restart("agent", 10s));
    EXPECT_TRUE(services.stop("agent", 10s));
    EXPECT_TRUE(services.stop("agent", 10s));
    EXPECT_EQ(services.find("agent")->state, ServiceState::stopped);
}

TEST_F(SysvServicesTest, SaysThatAServiceDidNotStart) {
    folder.file("agent-running-broken", "");
    const auto started = services.start("agent", 10s);
    EXPECT_EQ(started.error().kind, ErrorKind::refused);
    EXPECT_THAT(started.error().message, HasSubstr("start ended with exit code 5 and the service is stopped"));
}

TEST_F(SysvServicesTest, ReadsTheExitCodesOfStatus) {
    folder.file("agent-running-status", "1");
    EXPECT_EQ(services.find("agent")->state, ServiceState::failed);
    folder.file("agent-running-status", "2");
    EXPECT_EQ(services.find("agent")->state, ServiceState::failed);
    folder.file("agent-running-status", "4");
    EXPECT_EQ(services.find("agent").error().kind, ErrorKind::invalid);
}

TEST_F(SysvServicesTest, ADaemonThatPrintsOutlivesItsScript) {
    folder.script("etc/init.d/chatty", "#!/bin/sh\ncd '" + folder.path().string() + R"sh('
case $1 in
    start) (for i in 1 2 3 4 5 6 7 8 9 10; do echo line; sleep 0.1; done; : > survived) & ;;
esac
)sh");
    EXPECT_TRUE(services.start("chatty", 10s));
    for (int i = 0; i < 500 && !std::filesystem::exists(folder / "survived"); ++i) {
        std::this_thread::sleep_for(10ms);
    }
    EXPECT_TRUE(std::filesystem::exists(folder / "survived"));
}

TEST_F(SysvServicesTest, SetsTheLinks) {
    add_update_rc();
    ASSERT_TRUE(services.set_start("agent", StartType::automatic));
    EXPECT_EQ(services.find("agent")->start, StartType::automatic);
    ASSERT_TRUE(services.set_start("agent", StartType::manual));
    EXPECT_EQ(services.find("agent")->start, StartType::manual);
    EXPECT_EQ(text_in(folder / "calls"), "agent defaults\nagent enable\nagent disable\n");
    EXPECT_EQ(services.set_start("agent", StartType::disabled).error().kind, ErrorKind::unsupported);
}

TEST_F(SysvServicesTest, SaysThatTheLinksDidNotChange) {
    EXPECT_EQ(services.set_start("agent", StartType::automatic).error().kind, ErrorKind::unsupported);
    folder.script("sbin/chkconfig", "#!/bin/sh\nexit 0\n");
    EXPECT_EQ(services.set_start("agent", StartType::automatic).error().kind, ErrorKind::refused);
    folder.script("sbin/chkconfig", "#!/bin/sh\necho 'no permission' >&2; exit 1\n");
    EXPECT_THAT(services.set_start("agent", StartType::automatic).error().message,
                HasSubstr("agent on failed with exit code 1: no permission"));
}

TEST_F(SysvServicesTest, FindsRunningDependents) {
    add_script("one", "agent");
    add_script("two", "$network agent");
    add_script("three", "dbus");
    folder.file("etc/init.d/README", "text");
    ASSERT_TRUE(services.start("two", 10s));
    ASSERT_TRUE(services.start("three", 10s));
    EXPECT_THAT(*services.running_dependents("agent"), ElementsAre("two"));
    EXPECT_EQ(services.running_dependents("absent").error().kind, ErrorKind::not_found);
}

}  // namespace
}  // namespace machine::local::services_sysv_linux_test
