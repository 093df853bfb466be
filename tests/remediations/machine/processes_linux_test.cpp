#include "remediations/machine/linux/processes_linux.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <functional>
#include <memory>
#include <stdexcept>
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

TEST(ProcessIdentity, RootIsWhoIsNothingElse) {
    const auto identity = [](const std::string& users, const std::string& rest = "") {
        return parse_process_identity("Name:\tx\nUmask:\t0022\nUid:\t" + users + "\nGid:\t0\t0\t0\t0\n" + rest);
    };
    EXPECT_TRUE(identity("0\t0\t0\t0")->is_root);
    for (const auto* users : {"1000\t0\t0\t0", "0\t1000\t0\t0", "0\t0\t1000\t0", "0\t0\t0\t1000", "00\t0\t0\t0",
                              "1000\t1000\t1000\t1000"}) {
        EXPECT_FALSE(identity(users)->is_root) << users;
    }
    EXPECT_EQ(identity("0\t0\t0\t0")->namespaces, 0u) << "Linux before 4.1";
    EXPECT_EQ(identity("0\t0\t0\t0", "NStgid:\t7\nNSpid:\t7\n")->namespaces, 1u);
    EXPECT_EQ(identity("0\t0\t0\t0", "NSpid:\t812\t7\t1\n")->namespaces, 3u);
    for (const std::string text : {"", "Uid:", "Uid:\t0\t0\t0", "Name:\tUid:\t0\t0\t0\t0\n", "xUid:\t0\t0\t0\t0\n"}) {
        EXPECT_FALSE(parse_process_identity(text)) << text;
    }
}

/// A process of this test that is somebody else, or somewhere else.
class Stranger {
public:
    /// `become` runs in the child and ends in exec, or returns; then the child waits.
    explicit Stranger(const std::function<void()>& become) {
        int ready[2] = {};
        EXPECT_EQ(::pipe2(ready, O_CLOEXEC), 0);
        pid_ = ::fork();
        if (pid_ < 0) throw std::runtime_error("no process to be had");
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            become();
            (void)!::write(ready[1], "x", 1);
            ::pause();
            ::_exit(0);
        }
        ::close(ready[1]);
        char byte = 0;
        (void)!::read(ready[0], &byte, 1);  // written, or closed by exec
        ::close(ready[0]);
    }
    ~Stranger() {
        if (pid_ <= 0) return;  // kill(-1) would end everybody
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    Stranger(const Stranger&) = delete;
    Stranger& operator=(const Stranger&) = delete;

    std::uint32_t pid() const { return static_cast<std::uint32_t>(pid_); }

private:
    pid_t pid_ = 0;
};

Process seen(std::uint32_t pid) {
    const auto list = LinuxProcesses().list();
    if (!list) throw std::runtime_error(list.error().message);
    const auto found = std::ranges::find(*list, pid, &Process::pid);
    return found == list->end() ? Process{} : *found;
}

constexpr uid_t somebody = 12345;

/// What a hostile user can do: a name like the agent's, and as many words as the kernel allows. Shells, because those
/// keep their words.
[[noreturn]] void be_shell_with_words(std::size_t empty_words) {
    std::vector<char*> words = {const_cast<char*>("waagent"), const_cast<char*>("-c"), const_cast<char*>("read x; :"),
                                const_cast<char*>("-daemon")};
    words.resize(words.size() + empty_words, const_cast<char*>(""));
    words.push_back(nullptr);
    int silent[2] = {};
    if (::pipe(silent) == 0) ::dup2(silent[0], STDIN_FILENO);
    ::execv("/bin/sh", words.data());
    ::_exit(1);
}

TEST(LinuxProcesses, WhatOthersCallThemselvesIsNotRead) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    const Stranger user([] {
        if (::setuid(somebody) == 0) be_shell_with_words(0);
    });
    EXPECT_FALSE(seen(user.pid()).of_system);
    EXPECT_THAT(seen(user.pid()).command_line, testing::IsEmpty());
    // /proc shows root as the owner of what may not be dumped.
    const Stranger hidden([] {
        (void)!::setuid(somebody);
        ::prctl(PR_SET_DUMPABLE, 0);
    });
    EXPECT_FALSE(seen(hidden.pid()).of_system);
    // A program with the set-user-id bit: its real user is still the one who started it.
    const Stranger half([] { (void)!::setresuid(somebody, 0, 0); });
    EXPECT_FALSE(seen(half.pid()).of_system);
    const Stranger root([] { be_shell_with_words(0); });
    EXPECT_TRUE(seen(root.pid()).of_system);
    EXPECT_THAT(seen(root.pid()).command_line, ElementsAre("waagent", "-c", "read x; :", "-daemon"));
}

TEST(LinuxProcesses, AContainersRootIsNotTheSystem) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    for (const int kind : {CLONE_NEWPID, CLONE_NEWPID | CLONE_NEWUSER}) {
        int pids[2] = {};
        ASSERT_EQ(::pipe(pids), 0);
        const Stranger outside([&] {
            if (::unshare(kind) != 0) return;
            const auto child = ::fork();  // the first in the namespace
            if (child == 0) {
                ::prctl(PR_SET_PDEATHSIG, SIGKILL);
                ::pause();
                ::_exit(0);
            }
            (void)!::write(pids[1], &child, sizeof child);
        });
        pid_t inside = 0;
        const bool is_possible =
            ::fcntl(pids[0], F_SETFL, O_NONBLOCK) == 0 && ::read(pids[0], &inside, sizeof inside) == sizeof inside;
        ::close(pids[0]);
        ::close(pids[1]);
        if (!is_possible) GTEST_SKIP() << "no namespaces here";
        const auto process = seen(static_cast<std::uint32_t>(inside));
        EXPECT_EQ(process.pid, static_cast<std::uint32_t>(inside));
        EXPECT_FALSE(process.of_system);
        EXPECT_THAT(process.command_line, testing::IsEmpty());
    }
}

TEST(LinuxProcesses, TwentyHostileCommandLinesCostNothing) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    std::vector<std::unique_ptr<Stranger>> users;
    for (int i = 0; i < 20; ++i) {
        users.push_back(std::make_unique<Stranger>([] {
            if (::setuid(somebody) == 0) be_shell_with_words(100'000);
        }));
    }
    const Stranger root([] { be_shell_with_words(100'000); });
    const auto resident = [] {
        struct rusage usage {};
        ::getrusage(RUSAGE_SELF, &usage);
        return usage.ru_maxrss;  // KiB
    };
    const auto before = resident();
    const auto processes = LinuxProcesses().list();
    ASSERT_TRUE(processes);
    EXPECT_LT(resident() - before, 8 * 1024);
    std::size_t words = 0;
    std::size_t bytes = 0;
    for (const auto& process : *processes) {
        EXPECT_LE(process.command_line.size(), Processes::command_line_words);
        for (const auto& word : process.command_line) bytes += word.size();
        words += process.command_line.size();
    }
    EXPECT_EQ(seen(root.pid()).command_line.size(), Processes::command_line_words) << "root's are cut too";
    EXPECT_LT(bytes, Processes::command_line_bytes * processes->size());
    EXPECT_LT(words, Processes::command_line_words * processes->size());
}

/// What list() says in a mount namespace of its own, behind `arrange`.
std::string error_behind(const std::function<bool()>& arrange) {
    int answer[2] = {};
    EXPECT_EQ(::pipe2(answer, O_CLOEXEC), 0);
    const auto child = ::fork();
    if (child == 0) {
        std::string text = "not arranged";
        if (::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
            arrange()) {
            const auto list = LinuxProcesses().list();
            text = list ? "listed" : list.error().message;
        }
        (void)!::write(answer[1], text.data(), text.size());
        ::_exit(0);
    }
    ::close(answer[1]);
    std::string text(1000, ' ');
    const auto size = ::read(answer[0], text.data(), text.size());
    ::close(answer[0]);
    ::waitpid(child, nullptr, 0);
    text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return text;
}

TEST(LinuxProcesses, AListWithoutOurselvesIsNone) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    EXPECT_EQ(error_behind([] { return true; }), "listed");
    EXPECT_THAT(error_behind([] { return ::mount("tmpfs", "/proc", "tmpfs", 0, nullptr) == 0; }),
                testing::HasSubstr("does not show this program"));
    EXPECT_THAT(error_behind([] { return ::umount2("/proc", MNT_DETACH) == 0; }), testing::HasSubstr("/proc"));
    // Of another PID namespace, which has none of ours. A helper enters it, because who does so gets no threads.
    EXPECT_THAT(error_behind([] {
                    const auto helper = ::fork();
                    if (helper == 0) {
                        if (::unshare(CLONE_NEWPID) != 0) ::_exit(1);
                        const auto first = ::fork();
                        if (first == 0) ::_exit(::mount("proc", "/proc", "proc", 0, nullptr) == 0 ? 0 : 1);
                        int status = 1;
                        ::_exit(::waitpid(first, &status, 0) == first && status == 0 ? 0 : 1);
                    }
                    int status = 1;
                    return ::waitpid(helper, &status, 0) == helper && status == 0;
                }),
                testing::HasSubstr("/proc"));
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
