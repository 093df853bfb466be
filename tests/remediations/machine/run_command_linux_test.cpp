#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "remediations/machine/run_command.hpp"
#include "tests/remediations/machine/temporary_folder.hpp"

namespace machine::run_command_linux_test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using Clock = std::chrono::steady_clock;

Result<CommandOutput> shell(const std::string& script, std::chrono::milliseconds timeout = 20s) {
    return run_command({"/bin/sh", {"-c", script}, timeout});
}

/// Whether a process runs; one that has ended but is not yet reaped by its parent does not.
bool runs(const std::string& pid) {
    const std::string stat = text_in("/proc/" + pid + "/stat");
    const std::size_t end = stat.rfind(") ");
    return end != std::string::npos && stat[end + 2] != 'Z';
}

bool ends_soon(const std::string& pid) {
    for (int i = 0; i < 200 && runs(pid); ++i) {
        std::this_thread::sleep_for(10ms);
    }
    return !runs(pid);
}

class RunCommand : public testing::Test {
protected:
    void TearDown() override { EXPECT_TRUE(::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD) << "a zombie"; }
};

TEST_F(RunCommand, GivesOutputAndExitCode) {
    EXPECT_EQ(*shell("echo out; echo err >&2; exit 7"), (CommandOutput{7, "out\n", "err\n"}));
    EXPECT_EQ(*run_command({"/bin/echo", {"a b", "", "$HOME", "*"}}), (CommandOutput{0, "a b  $HOME *\n", ""}));
    EXPECT_EQ(shell("kill -KILL $$")->exit_code, 128 + SIGKILL);
}

TEST_F(RunCommand, ChildHasACleanEnvironmentAndNoInput) {
    ::setenv("SECRET", "leaked", 1);
    EXPECT_EQ(run_command({"/usr/bin/env", {}})->out.size(),
              std::string("PATH=/usr/sbin:/usr/bin:/sbin:/bin\nLC_ALL=C\n").size());
    ::unsetenv("SECRET");
    EXPECT_EQ(shell("cat; echo $PATH $LC_ALL")->out, "/usr/sbin:/usr/bin:/sbin:/bin C\n");
}

TEST_F(RunCommand, ChildInheritsNoFile) {
    const int leak = ::open("/dev/null", O_RDONLY);  // NOLINT: meant to be inherited
    const auto output = run_command({"/bin/ls", {"-l", "/proc/self/fd"}});
    ::close(leak);
    // 0, 1, 2 and the folder that ls itself opened.
    EXPECT_EQ(std::count(output->out.begin(), output->out.end(), '\n'), 1 + 4) << output->out;
}

TEST_F(RunCommand, ChildStartsWithDefaultSignals) {
    ::signal(SIGPIPE, SIG_IGN);
    const auto output = shell("grep -E 'SigBlk|SigIgn' /proc/self/status");
    ::signal(SIGPIPE, SIG_DFL);
    EXPECT_EQ(output->out, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_F(RunCommand, SaysWhyAProgramCannotStart) {
    const TemporaryFolder folder;
    const auto absent = run_command({folder / "absent", {}});
    EXPECT_EQ(absent.error().kind, ErrorKind::not_found);
    EXPECT_THAT(absent.error().message, HasSubstr(folder / "absent"));
    EXPECT_EQ(run_command({folder.file("plain", "text"), {}}).error().kind, ErrorKind::access_denied);
    EXPECT_FALSE(run_command({folder.script("no-program", "text"), {}}));
    EXPECT_EQ(run_command({"sh", {}}).error().kind, ErrorKind::invalid);
    EXPECT_EQ(run_command({"", {}}).error().kind, ErrorKind::invalid);
}

TEST_F(RunCommand, KeepsTheFirstPartOfAFlood) {
    const auto output = shell("head -c 5000000 /dev/zero; head -c 5000000 /dev/zero >&2; exit 3");
    ASSERT_TRUE(output);
    EXPECT_EQ(output->exit_code, 3);
    EXPECT_EQ(output->out.size(), Command::usual_output_limit);
    EXPECT_EQ(output->err.size(), Command::usual_output_limit);
    EXPECT_TRUE(output->cut);
    EXPECT_FALSE(shell("head -c 1048576 /dev/zero")->cut) << "exactly what fits";
    EXPECT_FALSE(shell("head -c 5000000 /dev/zero >&2")->cut) << "what it says is whole";
}

TEST_F(RunCommand, AQuestionIsNotAnsweredByAPart) {
    const auto ask = [](const std::string& script, std::size_t limit) {
        return query_command({"/bin/sh", {"-c", script}, 20s, limit});
    };
    const auto cut = ask("head -c 5000000 /dev/zero; exit 3", 4'999'999);
    ASSERT_FALSE(cut);
    EXPECT_EQ(cut.error().kind, ErrorKind::too_large);
    EXPECT_THAT(cut.error().message, HasSubstr("/bin/sh wrote more than 4999999 bytes"));
    EXPECT_EQ(ask("head -c 5000000 /dev/zero", 5'000'000)->out.size(), 5'000'000u);
    EXPECT_EQ(ask("exit 3", 10)->exit_code, 3);
}

TEST_F(RunCommand, EndsAnEndlessFloodAtTheDeadline) {
    const auto output = run_command({"/bin/cat", {"/dev/zero"}, 200ms});
    EXPECT_EQ(output.error().kind, ErrorKind::timed_out);
}

TEST_F(RunCommand, EndsAChildThatIgnoresSigterm) {
    const auto start = Clock::now();
    const auto output = shell("trap '' TERM INT HUP; while :; do sleep 1; done", 300ms);
    EXPECT_EQ(output.error().kind, ErrorKind::timed_out);
    EXPECT_THAT(output.error().message, HasSubstr("/bin/sh did not end within 300 ms"));
    EXPECT_LT(Clock::now() - start, 2s);
}

TEST_F(RunCommand, EndsGrandchildrenAtTheDeadline) {
    const TemporaryFolder folder;
    EXPECT_EQ(shell("sleep 1000 & echo $! > '" + (folder / "pid") + "'; wait", 300ms).error().kind,
              ErrorKind::timed_out);
    const std::string text = text_in(folder / "pid");
    ASSERT_FALSE(text.empty());
    EXPECT_TRUE(ends_soon(text.substr(0, text.find('\n'))));
}

TEST_F(RunCommand, WaitsForNoGrandchildThatHoldsThePipe) {
    const auto start = Clock::now();
    const auto output = shell("sleep 1000 & echo $!");
    ASSERT_TRUE(output);
    EXPECT_LT(Clock::now() - start, 5s);
    const std::string pid = output->out.substr(0, output->out.find('\n'));
    std::this_thread::sleep_for(200ms);
    EXPECT_TRUE(runs(pid)) << "what a finished program left running is not ours to end";
    ::kill(std::stoi(pid), SIGKILL);
}

TEST_F(RunCommand, NoticesAnEndLongAfterTheOutputEnded) {
    EXPECT_EQ(shell("exec >&- 2>&-; sleep 0.3; exit 5")->exit_code, 5);
}

TEST_F(RunCommand, ManyAtOnceDoNotDisturbEachOther) {
    std::atomic<int> wrong = 0;
    std::vector<std::thread> threads;
    threads.reserve(8);
    for (int thread = 0; thread < 8; ++thread) {
        threads.emplace_back([&wrong, thread] {
            for (int i = 0; i < 20; ++i) {
                const std::string text = std::to_string(thread * 100 + i);
                const auto output = shell("echo " + text + "; exit " + std::to_string(i));
                wrong += !(output && *output == CommandOutput{i, text + "\n", ""});
            }
        });
    }
    // A sleeper that inherited another's pipe would hold that one up.
    const auto sleeper = shell("sleep 1");
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(wrong, 0);
    EXPECT_TRUE(sleeper);
}

}  // namespace
}  // namespace machine::run_command_linux_test
