#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "remediations/machine/linux/child_process.hpp"
#include "remediations/machine/linux/systemd.hpp"
#include "remediations/machine/local/detached_process.hpp"
#include "tests/remediations/machine/temporary_folder.hpp"

namespace machine::local::detached_process_linux_test {
namespace {

using namespace std::chrono_literals;

std::string text_soon(const std::string& path) {
    for (int i = 0; i < 500 && text_in(path).empty(); ++i) {
        std::this_thread::sleep_for(10ms);
    }
    return text_in(path);
}

TEST(RunSupervised, GivesTheExitCode) {
    EXPECT_EQ(*run_supervised("/bin/sh", {"-c", "exit 7"}, "/", 20s), 7);
    EXPECT_EQ(*run_supervised("/bin/sh", {"-c", "kill -TERM $$"}, "/", 20s), 128 + SIGTERM);
    EXPECT_EQ(run_supervised("/no/such/program", {}, "/", 20s).error().kind, ErrorKind::not_found);
    EXPECT_EQ(run_supervised("/bin/sh", {}, "/no/such/folder", 20s).error().kind, ErrorKind::not_found);
}

TEST(RunSupervised, StaysInTheSessionButLeadsAGroup) {
    const TemporaryFolder folder;
    ASSERT_EQ(*run_supervised("/bin/sh", {"-c", "ps -o pid=,pgid=,sid= -p $$ > out; env > env; ls /proc/self/fd > fds"},
                              folder.path(), 20s),
              0);
    std::istringstream words(text_in(folder / "out"));
    pid_t pid = 0;
    pid_t group = 0;
    pid_t session = 0;
    words >> pid >> group >> session;
    EXPECT_EQ(group, pid);
    EXPECT_EQ(session, ::getsid(0));
    EXPECT_THAT(text_in(folder / "env"), testing::HasSubstr("PATH=/usr/sbin:/usr/bin:/sbin:/bin\n"));
    EXPECT_THAT(text_in(folder / "env"), testing::Not(testing::HasSubstr("HOME=")));
    EXPECT_EQ(text_in(folder / "fds"), "0\n1\n2\n3\n");
}

TEST(RunSupervised, EndsTheWholeGroupAtTheDeadline) {
    const TemporaryFolder folder;
    const auto code =
        run_supervised("/bin/sh", {"-c", "trap '' TERM; sleep 1000 & echo $! > pid; wait"}, folder.path(), 300ms);
    EXPECT_EQ(code.error().kind, ErrorKind::timed_out);
    const pid_t grandchild = std::stoi(text_in(folder / "pid"));
    for (int i = 0; i < 200 && ::kill(grandchild, 0) == 0; ++i) {
        std::this_thread::sleep_for(10ms);
    }
    const std::string stat = text_in("/proc/" + std::to_string(grandchild) + "/stat");
    EXPECT_TRUE(stat.empty() || stat.find(") Z") != std::string::npos) << stat;
}

TEST(StartDetached, LeadsASessionOfItsOwn) {
    if (systemd_runs()) {
        GTEST_SKIP() << "systemd runs here: this would start a unit of this computer";
    }
    const TemporaryFolder folder;
    const auto detachment = start_detached(
        "backup-remediation-test", "/bin/sh",
        {"-c",
         "ps -o sid=,pid= -p $$ > sid; pwd > pwd; readlink /proc/self/fd/0 /proc/self/fd/2 > streams; mv pwd done"},
        folder.path());
    ASSERT_TRUE(detachment);
    EXPECT_EQ(*detachment, Detachment::session);
    EXPECT_EQ(text_soon(folder / "done"), folder.path().string() + "\n");
    EXPECT_EQ(text_in(folder / "streams"), "/dev/null\n/dev/null\n");
    std::istringstream words(text_in(folder / "sid"));
    pid_t session = 0;
    pid_t pid = 0;
    words >> session >> pid;
    EXPECT_EQ(session, pid);
    EXPECT_NE(session, ::getsid(0));
    ::waitpid(pid, nullptr, 0);
}

TEST(StartDetached, SaysWhyItCannot) {
    if (systemd_runs()) {
        GTEST_SKIP() << "systemd runs here: this would start a unit of this computer";
    }
    EXPECT_EQ(start_detached("x", "/no/such/program", {}, "/").error().kind, ErrorKind::not_found);
}

TEST(ThisExecutable, IsTheTest) {
    EXPECT_EQ(this_executable().filename(), "test-machine");
    EXPECT_EQ(is_privileged(), ::geteuid() == 0);
}

}  // namespace
}  // namespace machine::local::detached_process_linux_test
