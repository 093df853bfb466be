#include "remediations/machine/linux/files_linux.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <vector>

#include "tests/remediations/machine/temporary_folder.hpp"

namespace machine::local::files_linux_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::size_t limit = Files::default_read_limit;

/// acl(5) as the kernel keeps it: user::rw-, user:1234:rw-, group::r--, mask::rw-, other::---
const std::string acl_for_user_1234(
    "\x02\0\0\0"
    "\x01\0\x06\0\xff\xff\xff\xff"
    "\x02\0\x06\0\xd2\x04\0\0"
    "\x04\0\x04\0\xff\xff\xff\xff"
    "\x10\0\x06\0\xff\xff\xff\xff"
    "\x20\0\0\0\xff\xff\xff\xff",
    44);

bool set_attribute(const std::string& path, const char* name, const std::string& value) {
    return ::lsetxattr(path.c_str(), name, value.data(), value.size(), 0) == 0;
}

std::string attribute(const std::string& path, const char* name) {
    std::string value(256, '\0');
    const ssize_t size = ::lgetxattr(path.c_str(), name, value.data(), value.size());
    value.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return size < 0 ? "absent" : value;
}

struct stat status_at(const std::string& path) {
    struct stat status {};
    EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
    return status;
}

class LinuxFilesTest : public testing::Test {
protected:
    TemporaryFolder folder;
    LinuxFiles files;
};

TEST_F(LinuxFilesTest, ReadsWholeFiles) {
    const std::string content("a\0b\n", 4);
    EXPECT_EQ(*files.read(folder.file("f", content), limit), content);
    EXPECT_EQ(*files.read(folder.file("empty", ""), limit), "");
    EXPECT_THAT(*files.read("/proc/self/status", limit), HasSubstr("Name:"));  // its size is said to be 0
}

TEST_F(LinuxFilesTest, ReadsUpToTheLimitAndNotBeyond) {
    const std::string path = folder.file("f", std::string(10000, 'x'));
    EXPECT_EQ(files.read(path, 10000)->size(), 10000u);
    EXPECT_EQ(files.read(path, 9999).error().kind, ErrorKind::too_large);
    EXPECT_EQ(files.read("/proc/self/status", 10).error().kind, ErrorKind::too_large);
    EXPECT_EQ(files.read("/dev/zero", 10).error().kind, ErrorKind::invalid);
}

TEST_F(LinuxFilesTest, SaysWhyAFileCannotBeRead) {
    const auto absent = files.read(folder / "absent", limit);
    EXPECT_EQ(absent.error().kind, ErrorKind::not_found);
    EXPECT_THAT(absent.error().message, HasSubstr(folder / "absent"));
    EXPECT_EQ(files.read(folder / "no/such/folder", limit).error().kind, ErrorKind::not_found);
    EXPECT_EQ(files.read("relative", limit).error().kind, ErrorKind::invalid);
    EXPECT_EQ(files.read("", limit).error().kind, ErrorKind::invalid);
    EXPECT_EQ(files.read(folder / "x" + std::string(1, '\0') + "y", limit).error().kind, ErrorKind::invalid);
    EXPECT_EQ(files.read(folder.path().string(), limit).error().kind, ErrorKind::invalid);
}

TEST_F(LinuxFilesTest, FollowsNoLinkAndOpensNoPipe) {
    folder.file("target", "secret");
    ASSERT_EQ(::symlink("target", (folder / "link").c_str()), 0);
    ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
    EXPECT_EQ(files.read(folder / "link", limit).error().kind, ErrorKind::invalid);
    EXPECT_EQ(files.read(folder / "pipe", limit).error().kind, ErrorKind::invalid);
    EXPECT_EQ(files.write(folder / "link", "x", 0600).error().kind, ErrorKind::invalid);
    EXPECT_EQ(files.write(folder / "pipe", "x", 0600).error().kind, ErrorKind::invalid);
    EXPECT_EQ(files.remove(folder / "link").error().kind, ErrorKind::invalid);
    EXPECT_EQ(text_in(folder / "target"), "secret");
    EXPECT_EQ(files.status(folder / "link")->kind, FileKind::symlink);
    EXPECT_EQ(files.status(folder / "pipe")->kind, FileKind::other);
}

TEST_F(LinuxFilesTest, TellsStatus) {
    const std::string path = folder.file("f", "12345");
    ::chmod(path.c_str(), 04751);
    const timespec times[] = {{0, 0}, {1000000000, 5000}};
    ::utimensat(AT_FDCWD, path.c_str(), static_cast<const timespec*>(times), 0);
    const auto status = files.status(path);
    ASSERT_TRUE(status);
    EXPECT_EQ(status->kind, FileKind::regular);
    EXPECT_EQ(status->size, 5u);
    EXPECT_EQ(status->mode, 04751u);
    EXPECT_EQ(status->uid, ::getuid());
    EXPECT_EQ(status->modified.time_since_epoch(), std::chrono::seconds(1000000000) + std::chrono::microseconds(5));
    const timespec far_away[] = {{0, 0}, {std::int64_t{1} << 40, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), static_cast<const timespec*>(far_away), 0), 0);
    EXPECT_GT(files.status(path)->modified.time_since_epoch(), std::chrono::years(200));
    EXPECT_EQ(files.status("/")->kind, FileKind::directory);
    EXPECT_EQ(files.status(folder / "absent").error().kind, ErrorKind::not_found);
}

TEST_F(LinuxFilesTest, ListsSortedNames) {
    folder.file("b", "");
    folder.file(".hidden", "");
    folder.file("a/inner", "");
    EXPECT_THAT(*files.list(folder.path().string()), ElementsAre(".hidden", "a", "b"));
    EXPECT_THAT(*files.list(folder.path().string() + "/a/"), ElementsAre("inner"));
    EXPECT_EQ(files.list(folder / "b").error().kind, ErrorKind::invalid);
    EXPECT_EQ(files.list(folder / "absent").error().kind, ErrorKind::not_found);
    ASSERT_EQ(::symlink("a", (folder / "link").c_str()), 0);
    EXPECT_EQ(files.list(folder / "link").error().kind, ErrorKind::invalid);
}

TEST_F(LinuxFilesTest, CreatesWithTheModeAskedForWhateverTheUmask) {
    const mode_t umask = ::umask(077);
    EXPECT_TRUE(files.write(folder / "f", "content", 0644));
    ::umask(umask);
    EXPECT_EQ(text_in(folder / "f"), "content");
    EXPECT_EQ(status_at(folder / "f").st_mode & 07777, 0644u);
    EXPECT_THAT(*files.list(folder.path().string()), ElementsAre("f"));
}

TEST_F(LinuxFilesTest, ReplacingKeepsModeOwnerAclAndAttributes) {
    const std::string path = folder.file("f", "old");
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root can give a file away";
    }
    ASSERT_EQ(::chown(path.c_str(), 1234, 5678), 0);
    ASSERT_EQ(::chmod(path.c_str(), 02640), 0);
    ASSERT_TRUE(set_attribute(path, "trusted.note", "kept"));
    ASSERT_TRUE(set_attribute(path, "security.selinux", "system_u:object_r:etc_t:s0"));
    ASSERT_TRUE(set_attribute(path, "system.posix_acl_access", acl_for_user_1234));
    const struct stat before = status_at(path);

    ASSERT_TRUE(files.write(path, "new", 0600));
    const struct stat after = status_at(path);
    EXPECT_EQ(text_in(path), "new");
    EXPECT_NE(after.st_ino, before.st_ino) << "it was overwritten, not replaced";
    EXPECT_EQ(after.st_uid, 1234u);
    EXPECT_EQ(after.st_gid, 5678u);
    EXPECT_EQ(after.st_mode, before.st_mode);
    EXPECT_EQ(attribute(path, "trusted.note"), "kept");
    EXPECT_EQ(attribute(path, "security.selinux"), "system_u:object_r:etc_t:s0");
    EXPECT_EQ(attribute(path, "system.posix_acl_access"), acl_for_user_1234);
}

TEST_F(LinuxFilesTest, ReplacingAddsNoAclOfTheFolder) {
    const std::string path = folder.file("f", "old");
    ::chmod(path.c_str(), 0640);
    if (!set_attribute(folder.path().string(), "system.posix_acl_default", acl_for_user_1234)) {
        GTEST_SKIP() << "no ACLs on this file system";
    }
    ASSERT_TRUE(files.write(path, "new", 0600));
    EXPECT_EQ(attribute(path, "system.posix_acl_access"), "absent");
    EXPECT_EQ(status_at(path).st_mode & 07777, 0640u);
}

TEST_F(LinuxFilesTest, AFailedWriteLeavesNothingBehind) {
    std::filesystem::create_directory(folder / "d");
    EXPECT_EQ(files.write(folder / "d", "x", 0600).error().kind, ErrorKind::invalid);
    EXPECT_EQ(files.write(folder / "absent/f", "x", 0600).error().kind, ErrorKind::not_found);
    EXPECT_FALSE(files.write(folder / std::string(300, 'x'), "x", 0600));
    EXPECT_THAT(*files.list(folder.path().string()), ElementsAre("d"));
}

TEST_F(LinuxFilesTest, MovesIntoAFolderThatItCreates) {
    folder.file("tree/inner/f", "content");
    ASSERT_TRUE(files.move(folder / "tree", folder / "new/parent/tree"));
    EXPECT_EQ(text_in(folder / "new/parent/tree/inner/f"), "content");
    EXPECT_EQ(status_at(folder / "new/parent").st_mode & 07777, 0700u);
    EXPECT_FALSE(std::filesystem::exists(folder / "tree"));
}

TEST_F(LinuxFilesTest, MovesOverNothing) {
    folder.file("from", "1");
    folder.file("to", "2");
    const auto moved = files.move(folder / "from", folder / "to");
    ASSERT_FALSE(moved);
    EXPECT_EQ(moved.error().code, EEXIST);
    EXPECT_EQ(text_in(folder / "from"), "1");
    EXPECT_EQ(text_in(folder / "to"), "2");
    EXPECT_EQ(files.move(folder / "absent", folder / "x").error().kind, ErrorKind::not_found);
    EXPECT_FALSE(std::filesystem::exists(folder / "x"));
}

class MoveAcrossFileSystems : public LinuxFilesTest {
protected:
    void SetUp() override {
        if (status_at(folder.path()).st_dev == status_at(other.path()).st_dev) {
            GTEST_SKIP() << "/dev/shm is on the same file system as the temporary folder";
        }
    }
    TemporaryFolder other{"/dev/shm"};
};

TEST_F(MoveAcrossFileSystems, KeepsEverything) {
    const std::string file = folder.file("tree/inner/f", std::string(200000, 'x'));
    ASSERT_EQ(::symlink("../nowhere", (folder / "tree/link").c_str()), 0);
    ASSERT_EQ(::mkfifo((folder / "tree/pipe").c_str(), 0640), 0);
    ::chmod(file.c_str(), 04755);
    ::chmod((folder / "tree/inner").c_str(), 0750);
    const bool labelled = set_attribute(file, "security.selinux", "system_u:object_r:var_lib_t:s0");
    const bool root = ::geteuid() == 0;
    if (root) {
        ASSERT_EQ(::chown(file.c_str(), 1234, 5678), 0);
        ASSERT_EQ(::lchown((folder / "tree/link").c_str(), 1234, 5678), 0);
        ASSERT_EQ(::chmod(file.c_str(), 04755), 0);
    }
    const timespec times[] = {{1000000000, 1000}, {1100000000, 2000}};
    for (const char* path : {"tree/inner/f", "tree/link", "tree/inner", "tree"}) {
        ::utimensat(AT_FDCWD, (folder / path).c_str(), static_cast<const timespec*>(times), AT_SYMLINK_NOFOLLOW);
    }

    ASSERT_TRUE(files.move(folder / "tree", other / "q/tree"));
    EXPECT_TRUE(folder.is_empty());
    EXPECT_THAT(*files.list(other / "q"), ElementsAre("tree"));
    EXPECT_EQ(text_in(other / "q/tree/inner/f"), std::string(200000, 'x'));
    EXPECT_EQ(status_at(other / "q/tree/inner/f").st_mode & 07777, 04755u);
    EXPECT_EQ(status_at(other / "q/tree/inner").st_mode & 07777, 0750u);
    EXPECT_EQ(status_at(other / "q/tree/pipe").st_mode, 0640u | S_IFIFO);
    EXPECT_EQ(std::filesystem::read_symlink(other / "q/tree/link"), "../nowhere");
    for (const char* path : {"q/tree/inner/f", "q/tree/link", "q/tree/inner", "q/tree"}) {
        EXPECT_EQ(status_at(other / path).st_mtim.tv_sec, 1100000000) << path;
    }
    EXPECT_EQ(status_at(other / "q/tree/inner/f").st_mtim.tv_nsec, 2000);
    if (root) {
        EXPECT_EQ(status_at(other / "q/tree/inner/f").st_gid, 5678u);
        EXPECT_EQ(status_at(other / "q/tree/link").st_uid, 1234u);
    }
    if (labelled) {
        EXPECT_EQ(attribute(other / "q/tree/inner/f", "security.selinux"), "system_u:object_r:var_lib_t:s0");
    }
}

TEST_F(MoveAcrossFileSystems, AFailureLeavesTheSourceAndNothingElse) {
    std::filesystem::path deep = folder.path() / "tree";
    for (int i = 0; i < 200; ++i) {
        deep /= "d";
    }
    std::filesystem::create_directories(deep);
    EXPECT_EQ(files.move(folder / "tree", other / "tree").error().kind, ErrorKind::too_large);
    EXPECT_TRUE(std::filesystem::exists(deep));

    folder.file("f", "1");
    other.file("f", "2");
    EXPECT_EQ(files.move(folder / "f", other / "f").error().code, EEXIST);
    EXPECT_EQ(text_in(folder / "f"), "1");
    EXPECT_EQ(text_in(other / "f"), "2");
}

TEST_F(LinuxFilesTest, RemovesWhatACrashLeftAndNothingElse) {
    folder.file("f", "1");
    folder.file(".backup-remediation.0123456789abcdef", "half");
    folder.file(".backup-remediation.fedcba9876543210/inner/g", "half a tree");
    const char* others[] = {".backup-remediation.0123456789abcde", ".backup-remediation.0123456789abcdeg",
                            "backup-remediation.0123456789abcdef"};
    for (const char* other : others) {
        folder.file(other, "somebody else's");
    }
    ASSERT_TRUE(files.remove_leftovers(folder / "f"));
    EXPECT_THAT(*files.list(folder.path().string()), ElementsAre(others[0], others[1], others[2], "f"));
    EXPECT_TRUE(files.remove_leftovers(folder / "absent/f")) << "where no folder is, nothing was left";
}

TEST_F(LinuxFilesTest, FollowsNoLinkOfSomebodyElseOnTheWay) {
    folder.file("real/f", "content");
    ASSERT_EQ(::symlink("real", (folder / "link").c_str()), 0);
    ASSERT_EQ(::symlink((folder / "link").c_str(), (folder / "absolute").c_str()), 0);
    EXPECT_EQ(files.read(folder / "absolute/f", 100).value(), "content");
    ASSERT_EQ(::symlink("loop", (folder / "loop").c_str()), 0);
    EXPECT_EQ(files.read(folder / "loop/f", 100).error().code, ELOOP);
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root, to be somebody else";
    }
    ASSERT_EQ(::lchown((folder / "link").c_str(), 1234, 1234), 0);
    EXPECT_EQ(files.read(folder / "absolute/f", 100).error().kind, ErrorKind::refused);
    EXPECT_EQ(files.write(folder / "link/g", "x", 0600).error().kind, ErrorKind::refused);
    EXPECT_FALSE(std::filesystem::exists(folder / "real/g"));
}

TEST_F(LinuxFilesTest, ReadsRanges) {
    std::string content;
    for (int i = 0; i < 100'000; ++i) {
        content += std::to_string(i);
    }
    const std::string path = folder.file("f", content);
    for (const auto& [offset, length] : {std::pair{0, 0}, {0, 1}, {1, 70'000}, {65'536, 65'536}, {3, 1'000'000}}) {
        EXPECT_EQ(*files.read_range(path, static_cast<std::uint64_t>(offset), static_cast<std::size_t>(length)),
                  content.substr(static_cast<std::size_t>(offset), static_cast<std::size_t>(length)));
    }
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    EXPECT_EQ(*files.read_range(path, 7, std::numeric_limits<std::size_t>::max()), content.substr(7));
    EXPECT_EQ(*files.read_range(path, content.size(), 10), "");
    for (const std::uint64_t beyond : {std::uint64_t{content.size() + 1}, most / 2, most / 2 + 1, most}) {
        EXPECT_EQ(*files.read_range(path, beyond, 10), "") << beyond;
    }
    EXPECT_EQ(*files.read_range("/proc/self/status", 0, 5), "Name:");  // its size is said to be 0
    EXPECT_EQ(*files.read_range("/proc/self/status", 1, 4), "ame:");
}

/// How many of the file's pages the system keeps in memory.
std::size_t pages_in_memory(const std::string& path, std::size_t size) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    void* const mapped = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file, 0);
    std::vector<unsigned char> pages(size / static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)));
    EXPECT_EQ(::mincore(mapped, size, pages.data()), 0);
    ::munmap(mapped, size);
    ::close(file);
    return static_cast<std::size_t>(std::ranges::count_if(pages, [](unsigned char page) { return (page & 1) != 0; }));
}

TEST_F(LinuxFilesTest, RangesLeaveThePageCacheAsItWas) {
    constexpr std::size_t size = std::size_t{4} << 20;
    constexpr std::size_t piece = std::size_t{512} << 10;
    const std::string path = folder.file("log", std::string(size, 'x'));
    const auto read_all = [&] {
        for (std::size_t offset = 0; offset < size; offset += piece) ASSERT_TRUE(files.read_range(path, offset, piece));
    };
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    ::fsync(file);
    const auto all = pages_in_memory(path, size);
    read_all();
    EXPECT_EQ(pages_in_memory(path, size), all) << "what was in memory stays";
    ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    ::close(file);
    const auto none = pages_in_memory(path, size);
    if (none > all / 8) GTEST_SKIP() << "this file system keeps its pages";
    read_all();
    EXPECT_LE(pages_in_memory(path, size), none + all / 8) << "what was not does not stay";
}

TEST_F(LinuxFilesTest, ReadsRangesOfRegularFilesAlone) {
    const std::string path = folder.file("f", "x");
    ASSERT_EQ(::symlink(path.c_str(), (folder / "link").c_str()), 0);
    ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
    for (const std::string& other : {folder / "link", folder / "pipe", folder.path().string(), std::string("f")}) {
        EXPECT_EQ(files.read_range(other, 0, 1).error().kind, ErrorKind::invalid) << other;
    }
    EXPECT_EQ(files.read_range(folder / "absent", 0, 1).error().kind, ErrorKind::not_found);
}

TEST_F(LinuxFilesTest, KnowsTheSpaceOfTheFileSystem) {
    const auto space = files.space(folder.file("f", "x"));
    ASSERT_TRUE(space) << space.error().message;
    std::error_code error;
    const auto expected = std::filesystem::space(folder.path(), error);
    EXPECT_EQ(space->total_bytes, expected.capacity);
    EXPECT_GE(space->free_bytes, expected.available);
    EXPECT_LE(space->free_bytes, space->total_bytes);
    EXPECT_LE(space->free_inodes, space->total_inodes);
    EXPECT_EQ(files.space("/proc")->total_bytes, 0u);
    ASSERT_EQ(::symlink("/proc", (folder / "link").c_str()), 0);
    EXPECT_EQ(files.space(folder / "link")->total_bytes, 0u) << "the link is followed";
    EXPECT_EQ(files.space(folder / "absent").error().kind, ErrorKind::not_found);
    EXPECT_EQ(files.space("relative").error().kind, ErrorKind::invalid);
    EXPECT_EQ(files.space(std::string("/\0x", 3)).error().kind, ErrorKind::invalid);
}

TEST_F(LinuxFilesTest, SetsPermissions) {
    const std::string path = folder.file("f", "x");
    const bool root = ::geteuid() == 0;
    const std::uint32_t user = root ? 1234 : ::geteuid();
    const std::uint32_t group = root ? 5678 : ::getegid();
    ASSERT_TRUE(files.set_permissions(path, {.mode = 04751, .uid = user, .gid = group}));
    const auto status = status_at(path);
    EXPECT_EQ(status.st_mode & 07777, 04751u) << "the change of owner comes first, for it clears the set-id bits";
    EXPECT_EQ(status.st_uid, user);
    EXPECT_EQ(status.st_gid, group);
    ASSERT_TRUE(files.set_permissions(folder.path().string(), {.mode = 01700, .uid = user, .gid = group}));
    EXPECT_EQ(status_at(folder.path()).st_mode & 07777, 01700u);
}

TEST_F(LinuxFilesTest, SetsNoPermissionsWhereOthersCouldSwapTheFile) {
    const std::string path = folder.file("open/inner/f", "x");
    const std::uint32_t user = ::geteuid();
    const std::uint32_t group = ::getegid();
    ASSERT_EQ(::chmod((folder / "open").c_str(), 0777), 0);
    ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
    const auto refused = files.set_permissions(path, {.mode = 0600, .uid = user, .gid = group});
    ASSERT_FALSE(refused) << "somebody could rename inner";
    EXPECT_EQ(refused.error().kind, ErrorKind::refused);
    EXPECT_NE(refused.error().message.find(folder / "open"), std::string::npos) << refused.error().message;
    EXPECT_EQ(status_at(path).st_mode & 07777, 0644u);
    ASSERT_EQ(::chmod((folder / "open").c_str(), 01777), 0);
    EXPECT_TRUE(files.set_permissions(path, {.mode = 0600, .uid = user, .gid = group})) << "sticky, as /tmp is";
    ASSERT_EQ(::chmod((folder / "open").c_str(), 0755), 0);
    if (user != 0) return;
    ASSERT_EQ(::chown((folder / "open/inner").c_str(), 1000, 1000), 0);
    EXPECT_EQ(files.set_permissions(path, {.mode = 0700, .uid = 0, .gid = 0}).error().kind, ErrorKind::refused);
}

TEST_F(LinuxFilesTest, DoesNotPartAFileFromItsOtherNames) {
    const std::string path = folder.file("f", "x");
    ASSERT_EQ(::link(path.c_str(), (folder / "other").c_str()), 0);
    const auto refused = files.write(path, "y", 0600);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::refused);
    EXPECT_EQ(files.read(folder / "other", 100).value(), "x");
    ASSERT_EQ(::unlink((folder / "other").c_str()), 0);
    EXPECT_TRUE(files.write(path, "y", 0600));
}

TEST_F(LinuxFilesTest, SetsNoPermissionsThroughALink) {
    const std::string path = folder.file("f", "x");
    ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
    ASSERT_EQ(::symlink(path.c_str(), (folder / "link").c_str()), 0);
    ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
    const FilePermissions open{.mode = 0777, .uid = ::geteuid(), .gid = ::getegid()};
    EXPECT_EQ(files.set_permissions(folder / "link", open).error().kind, ErrorKind::invalid);
    EXPECT_EQ(files.set_permissions(folder / "pipe", open).error().kind, ErrorKind::invalid);
    EXPECT_EQ(status_at(path).st_mode & 07777, 0640u);
    EXPECT_EQ(files.set_permissions(folder / "absent", open).error().kind, ErrorKind::not_found);
    if (::geteuid() != 0) {
        EXPECT_EQ(files.set_permissions("/etc/passwd", open).error().kind, ErrorKind::access_denied);
    }
}

TEST_F(LinuxFilesTest, CreatesOneFolderWithTheModeAskedForWhateverTheUmask) {
    const auto path = (folder.path() / "new").string();
    const auto before = ::umask(0077);
    ASSERT_TRUE(files.create_folder(path, 0755));
    ::umask(before);
    EXPECT_EQ(files.status(path)->kind, FileKind::directory);
    EXPECT_EQ(files.status(path)->mode, 0755U);
    EXPECT_FALSE(files.create_folder(path, 0755)) << "the path is taken";
    EXPECT_EQ(files.create_folder(path + "/a/b", 0755).error().kind, ErrorKind::not_found);
}

TEST_F(LinuxFilesTest, RemovesOneFileOrEmptyFolder) {
    folder.file("d/f", "");
    EXPECT_FALSE(files.remove(folder / "d"));
    EXPECT_TRUE(files.remove(folder / "d/f"));
    EXPECT_TRUE(files.remove(folder / "d"));
    EXPECT_EQ(files.remove(folder / "d").error().kind, ErrorKind::not_found);
    EXPECT_TRUE(folder.is_empty());
}

TEST_F(LinuxFilesTest, MakesReadsAndRemovesALink) {
    const auto path = folder / "link";
    folder.file("d/f", "x");
    ASSERT_TRUE(files.create_link(path, folder / "d"));
    EXPECT_EQ(files.status(path)->kind, FileKind::symlink);
    EXPECT_EQ(files.link_target(path).value(), folder / "d");
    EXPECT_FALSE(files.create_link(path, "/elsewhere")) << "the name is taken";
    EXPECT_EQ(files.link_target(folder / "d/f").error().kind, ErrorKind::invalid);
    EXPECT_EQ(files.link_target(folder / "none").error().kind, ErrorKind::not_found);
    EXPECT_FALSE(files.remove(path));
    EXPECT_TRUE(files.remove_link(path));
    EXPECT_EQ(files.status(path).error().kind, ErrorKind::not_found);
    EXPECT_EQ(files.remove_link(path).error().kind, ErrorKind::not_found);
    EXPECT_EQ(files.remove_link(folder / "d/f").error().kind, ErrorKind::invalid);
    EXPECT_TRUE(files.status(folder / "d/f")) << "what it led to stays";
}

/// What happens on a small file system of its own, at `folder`/small; 0 where all was as it should be, 77 where there
/// can be none.
int on_a_small_file_system(const TemporaryFolder& folder, const std::function<int(const std::string&)>& scene) {
    const std::string small = folder / "small";
    std::filesystem::create_directory(small);
    const auto child = ::fork();
    if (child == 0) {
        const bool is_there = ::unshare(CLONE_NEWNS) == 0 &&
                              ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                              ::mount("tmpfs", small.c_str(), "tmpfs", 0, "size=32m") == 0;
        ::_exit(is_there ? scene(small) : 77);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

TEST_F(LinuxFilesTest, MovesHolesAsHoles) {
    const int failed = on_a_small_file_system(folder, [&](const std::string& small) {
        // 100 GiB, of which there are 12 bytes in the middle and 3 at the end of the data.
        constexpr off_t size = off_t{100} << 30;
        const auto from = folder.file("sparse", "begin");
        const int file = ::open(from.c_str(), O_WRONLY | O_CLOEXEC);
        if (::ftruncate(file, size) != 0) return 77;
        if (::pwrite(file, "in the middle", 13, size / 2) != 13 || ::pwrite(file, "end", 3, size - 3) != 3) return 2;
        ::close(file);
        const auto moved = files.move(from, small + "/moved");
        if (!moved) {
            std::fprintf(stderr, "%s\n", moved.error().message.c_str());
            return 3;
        }
        const auto status = status_at(small + "/moved");
        if (status.st_size != size || status.st_blocks * 512 > 1 << 20) return 4;
        if (*files.read_range(small + "/moved", size / 2, 13) != "in the middle") return 5;
        if (*files.read_range(small + "/moved", size - 3, 10) != "end") return 6;
        if (*files.read_range(small + "/moved", 0, 6) != std::string("begin\0", 6)) return 7;
        return files.status(from) ? 8 : 0;
    });
    if (failed == 77) GTEST_SKIP() << "no file system of its own here";
    EXPECT_EQ(failed, 0);
}

TEST_F(LinuxFilesTest, AMoveLeavesATenthOfTheRoom) {
    const int failed = on_a_small_file_system(folder, [&](const std::string& small) {
        folder.file("tree/a", std::string(15 << 20, 'a'));
        folder.file("tree/folder/b", std::string(15 << 20, 'b'));
        const auto moved = files.move(folder / "tree", small + "/moved");
        if (moved || moved.error().kind != ErrorKind::too_large) return 2;
        if (!std::filesystem::is_empty(small)) return 3;  // refused before anything was written
        if (!files.status(folder / "tree/folder/b")) return 4;
        std::filesystem::remove(folder / "tree/a");
        return files.move(folder / "tree", small + "/moved") ? 0 : 5;
    });
    if (failed == 77) GTEST_SKIP() << "no file system of its own here";
    EXPECT_EQ(failed, 0);
}

}  // namespace
}  // namespace machine::local::files_linux_test
