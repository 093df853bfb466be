#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "remediations/machine/local/durable_file.hpp"
#include "tests/remediations/machine/temporary_folder.hpp"

namespace machine::local::durable_file_linux_test {
namespace {

using testing::HasSubstr;

mode_t mode_of(const std::string& path) {
    struct stat status {};
    EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
    return status.st_mode & 07777;
}

TEST(DurableFile, IsWrittenAndReplaced) {
    const TemporaryFolder folder;
    ASSERT_TRUE(write_durably(folder / "f", "first"));
    EXPECT_EQ(mode_of(folder / "f"), 0600u);
    ASSERT_TRUE(write_durably(folder / "f", std::string(1 << 20, 'x'), false));
    EXPECT_EQ(mode_of(folder / "f"), 0644u);
    EXPECT_EQ(read_file(folder / "f")->size(), 1u << 20);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(DurableFile, AProgramCanBeReplacedWhileItRuns) {
    const TemporaryFolder folder;
    const auto program = folder / "sleep";
    ASSERT_TRUE(write_program_durably(program, *read_file("/usr/bin/sleep")));
    EXPECT_EQ(mode_of(program), 0700u);
    const auto runs = ::fork();
    if (runs == 0) {
        ::execl(program.c_str(), "sleep", "60", nullptr);
        ::_exit(1);
    }
    const auto link = "/proc/" + std::to_string(runs) + "/exe";
    std::error_code code;
    while (std::filesystem::read_symlink(link, code) != program) ::usleep(1000);
    ASSERT_TRUE(write_program_durably(program, "another"));
    EXPECT_EQ(::kill(runs, 0), 0);
    ::kill(runs, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(runs, &status, 0), runs);
    EXPECT_EQ(WTERMSIG(status), SIGKILL);
    EXPECT_EQ(*read_file(program), "another");
}

TEST(DurableFile, AReaderNeverSeesHalfOfIt) {
    const TemporaryFolder folder;
    ASSERT_TRUE(write_durably(folder / "f", std::string(100000, 'a')));
    const int old = ::open((folder / "f").c_str(), O_RDONLY | O_CLOEXEC);
    ASSERT_TRUE(write_durably(folder / "f", "b"));
    std::string seen(100001, '\0');
    EXPECT_EQ(::read(old, seen.data(), seen.size()), 100000) << "the old file was written into";
    ::close(old);
}

TEST(DurableFile, RefusesALink) {
    const TemporaryFolder folder;
    folder.file("target", "untouched");
    ASSERT_EQ(::symlink("target", (folder / "link").c_str()), 0);
    ASSERT_EQ(::symlink("absent", (folder / "dangling").c_str()), 0);
    for (const char* link : {"link", "dangling"}) {
        EXPECT_EQ(write_durably(folder / link, "x").error().kind, ErrorKind::invalid);
        EXPECT_EQ(append_line_durably(folder / link, "x").error().kind, ErrorKind::invalid);
        EXPECT_EQ(read_file(folder / link).error().kind, ErrorKind::invalid);
    }
    EXPECT_EQ(text_in(folder / "target"), "untouched");
    EXPECT_FALSE(std::filesystem::exists(folder / "absent"));
}

TEST(DurableFile, RefusesAFolderThatOthersCanChange) {
    const TemporaryFolder folder;
    const auto refuses = [&] {
        EXPECT_EQ(write_durably(folder / "f", "x").error().kind, ErrorKind::refused);
        EXPECT_EQ(append_line_durably(folder / "f", "x\n").error().kind, ErrorKind::refused);
        EXPECT_EQ(PinnedFolder::open(folder.path()).error().kind, ErrorKind::refused);
        EXPECT_TRUE(folder.is_empty());
    };
    ASSERT_EQ(::chmod(folder.path().c_str(), 0775), 0);
    refuses();
    ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
    EXPECT_TRUE(check_only_we_write_to(folder.path()));
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root, to be somebody else";
    }
    ASSERT_EQ(::chown(folder.path().c_str(), 1234, 0), 0);
    refuses();
}

TEST(PinnedFolder, StaysTheSameWhereverItsPathLeads) {
    const TemporaryFolder folder;
    folder.file("logs/a", "1");
    const auto pinned = PinnedFolder::open(folder / "logs");
    ASSERT_TRUE(pinned);
    std::filesystem::rename(folder / "logs", folder / "moved");
    std::filesystem::create_directory(folder / "logs");
    std::ofstream(pinned->path() / "b") << "2";
    EXPECT_EQ(text_in(folder / "moved/b"), "2");
    EXPECT_TRUE(std::filesystem::is_empty(folder / "logs"));
}

TEST(DurableFile, SaysWhatIsWrong) {
    const TemporaryFolder folder;
    EXPECT_EQ(read_file(folder / "absent").error().kind, ErrorKind::not_found);
    EXPECT_EQ(read_file(folder.file("large", "12345"), 4).error().kind, ErrorKind::too_large);
    const auto written = write_durably(folder / "no/folder", "x");
    EXPECT_EQ(written.error().kind, ErrorKind::not_found);
    EXPECT_THAT(written.error().message, HasSubstr(folder / "no"));
}

TEST(DurableFile, Appends) {
    const TemporaryFolder folder;
    ASSERT_TRUE(append_line_durably(folder / "log", "one\n"));
    ASSERT_TRUE(append_line_durably(folder / "log", "two\n"));
    EXPECT_EQ(text_in(folder / "log"), "one\ntwo\n");
    EXPECT_EQ(mode_of(folder / "log"), 0600u);
}

TEST(DurableFile, ATornLastLineIsCutOffBeforeTheNextOne) {
    for (const std::string whole : {"", "one\n", "one\ntwo\n"}) {
        for (const std::size_t torn : {1, 4095, 4096, 4097, 9000}) {
            const TemporaryFolder folder;
            std::ofstream(folder / "log") << whole << std::string(torn, 'x');
            ASSERT_TRUE(append_line_durably(folder / "log", "next\n"));
            EXPECT_EQ(text_in(folder / "log"), whole + "next\n") << torn;
        }
    }
}

TEST(DurableFile, AFullDeviceIsAnErrorThatLeavesNothing) {
    const auto full = append_line_durably("/dev/full", "x");
    EXPECT_EQ(full.error().kind, ErrorKind::invalid) << "a device is not a file";
}

TEST(PrivateFolder, IsCreatedWithItsParents) {
    const TemporaryFolder folder;
    ASSERT_TRUE(make_private_folder(folder / "a/b/c"));
    EXPECT_EQ(mode_of(folder / "a/b/c"), 0700u);
    EXPECT_EQ(mode_of(folder / "a"), 0700u);
    EXPECT_TRUE(make_private_folder(folder / "a/b/c")) << "a second time";
}

TEST(PrivateFolder, IsClosedToReaders) {
    const TemporaryFolder folder;
    std::filesystem::create_directory(folder / "d");
    ::chmod((folder / "d").c_str(), 0755);
    ASSERT_TRUE(make_private_folder(folder / "d"));
    EXPECT_EQ(mode_of(folder / "d"), 0700u);
}

TEST(PrivateFolder, RefusesWhatOthersCanChange) {
    const TemporaryFolder folder;
    std::filesystem::create_directory(folder / "d");
    for (const mode_t mode : {0777U, 0770U, 01777U}) {
        ::chmod((folder / "d").c_str(), mode);
        EXPECT_EQ(make_private_folder(folder / "d").error().kind, ErrorKind::refused);
        EXPECT_EQ(mode_of(folder / "d"), mode);
    }
    std::filesystem::create_directory(folder / "mine");
    ASSERT_EQ(::symlink("mine", (folder / "link").c_str()), 0);
    EXPECT_FALSE(make_private_folder(folder / "link"));
    folder.file("file", "");
    EXPECT_FALSE(make_private_folder(folder / "file"));
    EXPECT_FALSE(make_private_folder(folder / "file/below"));
}

TEST(PrivateFolder, RefusesWhatSomebodyElseOwns) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root can give a folder away";
    }
    const TemporaryFolder folder;
    std::filesystem::create_directory(folder / "d");
    ASSERT_EQ(::chown((folder / "d").c_str(), 1234, 0), 0);
    const auto made = make_private_folder(folder / "d");
    EXPECT_EQ(made.error().kind, ErrorKind::refused);
    EXPECT_THAT(made.error().message, HasSubstr("1234"));
}

TEST(StateFolder, TheEnvironmentDoesNotMoveItForRoot) {
    ::setenv("BACKUP_REMEDIATION_STATE", "/elsewhere", 1);
    EXPECT_EQ(state_folder(), ::geteuid() == 0 ? "/var/lib/backup-remediation" : "/elsewhere");
    ::unsetenv("BACKUP_REMEDIATION_STATE");
    EXPECT_EQ(state_folder(), "/var/lib/backup-remediation");
}

}  // namespace
}  // namespace machine::local::durable_file_linux_test
