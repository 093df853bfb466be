#include "remediations/machine/linux/processes_linux.hpp"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <thread>

#include "remediations/machine/run_command.hpp"

namespace machine::local::processes_linux_test {
namespace {

using testing::ElementsAre;

TEST(ProcessStat, IsParsed) {
    const auto stat = parse_process_stat("42 (bash) S 7 42 42 34816 ...");
    ASSERT_TRUE(stat);
    EXPECT_EQ(stat->name, "bash");
    EXPECT_EQ(stat->parent, 7u);
}

TEST(ProcessStat, ANameCanHoldAnything) {
    EXPECT_EQ(parse_process_stat("42 (a) S 1 (b c\n) R 9 42")->name, "a) S 1 (b c\n");
    EXPECT_EQ(parse_process_stat("42 (a) S 1 (b c\n) R 9 42")->parent, 9u);
    EXPECT_EQ(parse_process_stat("42 () S 1 1")->name, "");
}

TEST(ProcessStat, SaysWhenAndHow) {
    const auto stat = parse_process_stat(
        "42 (a) b) D 7 42 42 34816 42 4194304 1 2 3 4 5 6 7 8 20 0 1 0 98765 1000 200 18446744073709551615");
    ASSERT_TRUE(stat);
    EXPECT_EQ(stat->state, 'D');
    EXPECT_EQ(stat->started, 98765u);
    EXPECT_EQ(parse_process_stat("42 (a) S 7 42 42")->started, 0u);
    EXPECT_EQ(parse_process_stat("42 (a) S 7 42 42 34816 42 0 1 2 3 4 5 6 7 8 20 0 1 0 x")->started, 0u);
}

TEST(ProcessStat, HostileTextIsNone) {
    for (const char* text : {"", "42", "42 (", "42 ()", ") (", "42 (a) ", "42 (a) S", "42 (a) S ", "42 (a) S x 1",
                             "42 (a) S -1 1", "42 (a) S 99999999999 1", "42 (a) SS 1 1", "42 a) S 1 1"}) {
        EXPECT_FALSE(parse_process_stat(text)) << text;
    }
}

TEST(LinuxProcesses, KnowThisOneAndItsParent) {
    const auto processes = LinuxProcesses().list();
    ASSERT_TRUE(processes) << processes.error().message;
    const auto self = std::find_if(processes->begin(), processes->end(),
                                   [](const Process& p) { return p.pid == static_cast<std::uint32_t>(::getpid()); });
    ASSERT_NE(self, processes->end());
    EXPECT_EQ(self->parent, static_cast<std::uint32_t>(::getppid()));
    EXPECT_EQ(self->name, "test-machine");
    EXPECT_THAT(self->command_line.front(), testing::EndsWith("test-machine"));
    EXPECT_EQ(self->blocked_in, "");
    EXPECT_TRUE(std::is_sorted(processes->begin(), processes->end(),
                               [](const Process& a, const Process& b) { return a.pid < b.pid; }));
}

TEST(LinuxProcesses, ReadTheWordsOfACommandLine) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::execl("/bin/sleep", "a name of its own", "1000", static_cast<char*>(nullptr));
        ::_exit(1);
    }
    std::vector<std::string> seen;
    for (int i = 0; i < 200 && seen.empty(); ++i) {
        for (const Process& process : *LinuxProcesses().list()) {
            if (process.pid == static_cast<std::uint32_t>(child) && process.name == "sleep") {
                seen = process.command_line;
            }
        }
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    EXPECT_THAT(seen, ElementsAre("a name of its own", "1000"));
}

TEST(LinuxProcesses, KnowWhenAProcessStarted) {
    const auto before = std::chrono::system_clock::now();
    const pid_t child = ::fork();
    if (child == 0) {
        ::pause();
        ::_exit(0);
    }
    const auto processes = LinuxProcesses().list();
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const auto found = std::ranges::find(*processes, static_cast<std::uint32_t>(child), &Process::pid);
    ASSERT_NE(found, processes->end());
    EXPECT_GE(found->started, before - std::chrono::seconds(2));
    EXPECT_LE(found->started, std::chrono::system_clock::now());
}

TEST(LinuxProcesses, EndTheProcessThatWasSeenAndNoOther) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::signal(SIGTERM, SIG_IGN);
        ::pause();
        ::_exit(0);
    }
    const auto pid = static_cast<std::uint32_t>(child);
    LinuxProcesses processes;
    const auto list = processes.list();
    const auto found = std::ranges::find(*list, pid, &Process::pid);
    ASSERT_NE(found, list->end());
    const auto another = processes.end(pid, found->started - std::chrono::seconds(2));
    ASSERT_FALSE(another);
    EXPECT_EQ(another.error().kind, ErrorKind::refused);
    EXPECT_EQ(::waitpid(child, nullptr, WNOHANG), 0) << "it still runs";
    const auto ended = processes.end(pid, found->started);
    EXPECT_TRUE(ended) << ended.error().message;
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, WNOHANG), child);
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(processes.end(pid, found->started).error().kind, ErrorKind::not_found);
    EXPECT_EQ(processes.modules(pid).error().kind, ErrorKind::unsupported);
}

TEST(LinuxProcesses, TolerateProcessesThatVanish) {
    std::atomic<bool> stop = false;
    std::thread busy([&stop] {
        while (!stop) {
            (void)run_command({"/bin/true", {}});
        }
    });
    for (int i = 0; i < 50; ++i) {
        const auto processes = LinuxProcesses().list();
        ASSERT_TRUE(processes) << processes.error().message;
    }
    stop = true;
    busy.join();
}

}  // namespace
}  // namespace machine::local::processes_linux_test
