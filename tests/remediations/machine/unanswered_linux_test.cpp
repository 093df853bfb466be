// A file system that nobody serves, made for real: what a dead NFS server or a hung FUSE program looks like.
#include "remediations/machine/linux/unanswered.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "remediations/machine/linux/files_linux.hpp"
#include "remediations/machine/linux/processes_linux.hpp"
#include "tests/remediations/machine/temporary_folder.hpp"

namespace machine::local::unanswered_linux_test {
namespace {

constexpr std::size_t size_limit = 1000;  // bytes

using Clock = std::chrono::steady_clock;

double seconds_of(const std::function<void()>& call) {
    const auto start = Clock::now();
    call();
    return std::chrono::duration<double>(Clock::now() - start).count();
}

template <class T>
bool timed_out(const Result<T>& answer) {
    return !answer && answer.error().kind == ErrorKind::timed_out;
}

/// Plays `scene` in a child beside a mount that does not answer, at `folder`/dead. Its exit code: 77 where that cannot
/// be mounted.
int beside_a_dead_mount(const TemporaryFolder& folder, const std::function<bool()>& scene) {
    const auto child = ::fork();
    if (child == 0) {
        ::alarm(50);
        if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
            ::_exit(77);
        }
        const int fuse = ::open("/dev/fuse", O_RDWR | O_CLOEXEC);
        const auto options = "fd=" + std::to_string(fuse) + ",rootmode=40000,user_id=0,group_id=0";
        if (fuse < 0 || ::mount("fuse", (folder / "dead").c_str(), "fuse", 0, options.c_str()) != 0) ::_exit(77);
        ::_exit(scene() ? 0 : 1);  // ends the mount, and so whoever waits for it
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

#define REQUIRE(condition)                                           \
    if (!(condition)) {                                              \
        std::fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
        return false;                                                \
    }

class Unanswered : public testing::Test {
protected:
    void SetUp() override {
        std::filesystem::create_directory(folder_.path() / "dead");
        std::filesystem::create_directory_symlink(folder_.path() / "dead", folder_.path() / "link");
        folder_.file("alive", "text");
    }
    void play(const std::function<bool()>& scene) {
        const int code = beside_a_dead_mount(folder_, scene);
        if (code == 77) GTEST_SKIP() << "FUSE cannot be mounted here";
        EXPECT_EQ(code, 0);
    }

    TemporaryFolder folder_;
    const LinuxFiles files_{};
};

TEST_F(Unanswered, EachKindOfQuestionEndsInTime) {
    play([&] {
        const std::string path = folder_ / "dead/file";
        const double first = seconds_of([&] { (void)files_.status(path); });
        REQUIRE(first > 1 && first < 20);
        // Nobody asks there again as long as the first waits.
        const double later = seconds_of([&] {
            for (int i = 0; i < 100; ++i) (void)files_.read(path, size_limit);
        });
        REQUIRE(later < 5);
        REQUIRE(timed_out(files_.status(path)));
        REQUIRE(timed_out(files_.read(path, size_limit)));
        REQUIRE(timed_out(files_.read_range(path, 0, 10)));
        REQUIRE(timed_out(files_.list(folder_ / "dead")));
        REQUIRE(timed_out(files_.list(folder_ / "dead/folder/deep")));
        REQUIRE(timed_out(LinuxProcesses().query({folder_ / "dead/openssl", {"version"}})));
        REQUIRE(*files_.read(folder_ / "alive", size_limit) == "text");
        return true;
    });
}

TEST_F(Unanswered, ALinkLeadsThereToo) {
    play([&] {
        REQUIRE(timed_out(files_.list(folder_ / "link/folder")));
        const auto left_behind = threads_left_behind();
        REQUIRE(timed_out(files_.status(folder_ / "link/folder")));
        REQUIRE(threads_left_behind() == left_behind);
        return true;
    });
}

TEST_F(Unanswered, AProgramThereIsNotStarted) {
    play([&] {
        const double first = seconds_of([&] { (void)LinuxProcesses().query({folder_ / "dead/openssl", {"version"}}); });
        REQUIRE(first < 20);
        // The others are not behind it.
        const auto other = LinuxProcesses().query({"/bin/echo", {"a"}});
        REQUIRE(other && other->out == "a\n");
        return true;
    });
}

TEST_F(Unanswered, WithoutSuchAMountNobodyWaits) {
    const auto before = threads_left_behind();
    // Whatever is mounted on this computer: answers are the same.
    EXPECT_EQ(*files_.read(folder_ / "alive", size_limit), "text");
    EXPECT_EQ(files_.read(folder_ / "absent", size_limit).error().kind, ErrorKind::not_found);
    EXPECT_EQ(threads_left_behind(), before);
}

}  // namespace
}  // namespace machine::local::unanswered_linux_test
