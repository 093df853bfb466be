#include "remediations/machine/files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "bench.hpp"
#include "remediations/machine/security_descriptor.hpp"
#include "remediations/machine/windows/parts.hpp"

#include <windows.h>

namespace machine::files_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class WindowsFiles : public testing::Test {
protected:
    TemporaryFolder folder;
    std::unique_ptr<Files> files = windows::make_files();
};

TEST_F(WindowsFiles, WritesAndReads) {
    const auto path = folder.file("Einstellungen für 日本.json");
    ASSERT_TRUE(files->write(path, "first"));
    ASSERT_TRUE(files->write(path, std::string("second\0line", 11)));
    EXPECT_EQ(files->read(path).value(), std::string("second\0line", 11));
    const auto status = files->status(path).value();
    EXPECT_EQ(status.kind, FileKind::regular);
    EXPECT_EQ(status.size, 11U);
    EXPECT_LT(std::chrono::abs(std::chrono::system_clock::now() - status.modified), std::chrono::minutes(1));
    EXPECT_THAT(files->list(folder.file("")).value(), ElementsAre("Einstellungen für 日本.json"))
        << "no temporary file stays";
}

TEST_F(WindowsFiles, KnowsNoLimitOf260Characters) {
    std::string path = folder.file("");
    for (int i = 0; i < 8; ++i) path += std::string(60, static_cast<char>('a' + i)) + "\\";
    ASSERT_TRUE(files->write(folder.file("x"), "content"));
    ASSERT_TRUE(files->move(folder.file("x"), path + "x"));
    EXPECT_EQ(files->read(path + "x").value(), "content");
    EXPECT_THAT(files->list(path).value(), ElementsAre("x"));
    EXPECT_TRUE(files->move(folder.file(std::string(60, 'a')), folder.file("short")));
}

TEST_F(WindowsFiles, TellsWhyItCannotRead) {
    EXPECT_EQ(files->read(folder.file("absent")).error().kind, ErrorKind::not_found);
    EXPECT_EQ(files->status(folder.file("absent\\below")).error().kind, ErrorKind::not_found);
    EXPECT_EQ(files->list(folder.file("absent")).error().kind, ErrorKind::not_found);
    EXPECT_EQ(files->read("relative").error().kind, ErrorKind::invalid);
    EXPECT_EQ(files->read("/unix").error().kind, ErrorKind::invalid);
    EXPECT_EQ(files->read(folder.file("a") + std::string("\0b", 2)).error().kind, ErrorKind::invalid);
    EXPECT_EQ(files->read("C:\\\xC3").error().kind, ErrorKind::invalid);
    EXPECT_EQ(files->read(folder.file("")).error().kind, ErrorKind::invalid) << "a directory has no content";
    ASSERT_TRUE(files->write(folder.file("file"), "12345"));
    EXPECT_EQ(files->list(folder.file("file")).error().kind, ErrorKind::invalid);
    EXPECT_EQ(files->read(folder.file("file"), 4).error().kind, ErrorKind::too_large);
    EXPECT_EQ(files->read(folder.file("file"), 5).value(), "12345");
    EXPECT_THAT(files->read(folder.file("absent")).error().message, HasSubstr(folder.file("absent")));
}

TEST_F(WindowsFiles, ReadsRanges) {
    std::string content;
    for (int i = 0; i < 50'000; ++i) content += std::to_string(i);
    const auto path = folder.file("file");
    ASSERT_TRUE(files->write(path, content));
    EXPECT_EQ(files->read_range(path, 0, 10).value(), content.substr(0, 10));
    EXPECT_EQ(files->read_range(path, 7, 200'000).value(), content.substr(7, 200'000));
    EXPECT_EQ(files->read_range(path, content.size() - 3, 10).value(), content.substr(content.size() - 3));
    for (const auto beyond : {std::uint64_t{content.size()}, std::uint64_t{1} << 40, ~std::uint64_t{0}}) {
        EXPECT_EQ(files->read_range(path, beyond, 10).value(), "");
    }
    EXPECT_EQ(files->read_range(folder.file("absent"), 0, 1).error().kind, ErrorKind::not_found);
    EXPECT_EQ(files->read_range(folder.file(""), 0, 1).error().kind, ErrorKind::invalid);
}

TEST_F(WindowsFiles, KnowsTheSpaceOfTheVolume) {
    const auto path = folder.file("file");
    ASSERT_TRUE(files->write(path, "x"));
    const auto space = files->space(path);
    ASSERT_TRUE(space) << space.error().message;
    EXPECT_GT(space->total_bytes, 0U);
    EXPECT_LE(space->free_bytes, space->total_bytes);
    EXPECT_EQ(space->total_inodes, 0U);
    EXPECT_EQ(files->space(folder.file(""))->total_bytes, space->total_bytes);
    EXPECT_EQ(files->space(folder.file("absent")).error().kind, ErrorKind::not_found);
    EXPECT_EQ(files->set_permissions(path, {}).error().kind, ErrorKind::unsupported);
}

TEST_F(WindowsFiles, KnowsTheVersionOfAnExecutable) {
    const auto version = files->version(R"(C:\windows\system32\kernel32.dll)");
    ASSERT_TRUE(version) << version.error().message;
    EXPECT_GE(version->number[0], 5);
    EXPECT_EQ(version->company, "Microsoft Corporation");  // of Wine's, too
    EXPECT_FALSE(version->product.empty());
    const auto own = files->version(bench("echo_arguments.exe").make_preferred().string());
    ASSERT_FALSE(own);
    EXPECT_EQ(own.error().kind, ErrorKind::invalid) << own.error().message;
    ASSERT_TRUE(files->write(folder.file("text"), "MZ, but nothing else"));
    EXPECT_EQ(files->version(folder.file("text")).error().kind, ErrorKind::invalid);
    EXPECT_EQ(files->version(folder.file("absent")).error().kind, ErrorKind::not_found);
    EXPECT_EQ(files->version(folder.file("")).error().kind, ErrorKind::invalid);
}

TEST_F(WindowsFiles, ReadsWhoMayUseAFile) {
    ASSERT_TRUE(files->write(folder.file("file"), ""));
    for (const auto* name : {"file", ""}) {
        const auto text = files->security(folder.file(name));
        ASSERT_TRUE(text) << text.error().message;
        const auto parsed = parse_security_descriptor(*text);
        ASSERT_TRUE(parsed) << *text << ": " << parsed.error().message;
        EXPECT_THAT(parsed->owner, testing::StartsWith("S-1-5-"));
        EXPECT_FALSE(parsed->group.empty());
        EXPECT_TRUE(parsed->has_access_list);
        EXPECT_FALSE(parsed->entries.empty());
    }
    EXPECT_EQ(files->security(folder.file("absent")).error().kind, ErrorKind::not_found);
}

TEST_F(WindowsFiles, SetsWhoMayUseAFile) {
    // Wine keeps an access control list as a Unix mode: only whether others may read can be seen of it.
    const auto path = folder.file("file");
    ASSERT_TRUE(files->write(path, ""));
    const auto others_read = [&] {
        const auto entries = parse_security_descriptor(files->security(path).value())->entries;
        return std::ranges::any_of(entries, [](const auto& entry) {
            return entry.sid == "S-1-1-0" && entry.type == AccessType::allow && (entry.mask & FILE_READ_DATA) != 0;
        });
    };
    const auto set = files->set_security(path, "D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;S-1-5-21-0-0-0-1000)");
    ASSERT_TRUE(set) << set.error().message;
    EXPECT_FALSE(others_read());
    ASSERT_TRUE(files->set_security(path, "D:P(A;;FA;;;SY)(A;;FA;;;S-1-5-21-0-0-0-1000)(A;;FR;;;WD)"));
    EXPECT_TRUE(others_read());
    EXPECT_EQ(files->set_security(path, "rwxr-xr-x").error().kind, ErrorKind::invalid);
    EXPECT_EQ(files->set_security(path, "").error().kind, ErrorKind::invalid);
    EXPECT_EQ(files->set_security(folder.file("absent"), "D:P").error().kind, ErrorKind::not_found);
}

TEST_F(WindowsFiles, FollowsNoLinkToWhoMayUseAFileOrItsVersion) {
    ASSERT_TRUE(files->write(folder.file("file"), ""));
    const std::filesystem::path link(folder.file("link"));
    std::error_code error;
    std::filesystem::create_symlink(folder.file("file"), link, error);
    if (error || files->status(folder.file("link"))->kind != FileKind::symlink) {
        GTEST_SKIP() << "no symbolic link can be made here: " << error.message();
    }
    EXPECT_EQ(files->security(folder.file("link")).error().kind, ErrorKind::refused);
    EXPECT_EQ(files->set_security(folder.file("link"), "D:P").error().kind, ErrorKind::refused);
    EXPECT_EQ(files->version(folder.file("link")).error().kind, ErrorKind::invalid);
}

TEST_F(WindowsFiles, MovesATreeAndBack) {
    ASSERT_TRUE(files->write(folder.file("top"), ""));
    ASSERT_TRUE(files->move(folder.file("top"), folder.file("tree\\below\\top")));
    ASSERT_TRUE(files->move(folder.file("tree"), folder.file("quarantine\\1-tree")));
    EXPECT_EQ(files->status(folder.file("tree")).error().kind, ErrorKind::not_found);
    EXPECT_EQ(files->read(folder.file("quarantine\\1-tree\\below\\top")).value(), "");
    ASSERT_TRUE(files->write(folder.file("other"), "stays"));
    const auto occupied = files->move(folder.file("quarantine\\1-tree"), folder.file("other"));
    ASSERT_FALSE(occupied);
    EXPECT_THAT(occupied.error().message, HasSubstr("already exists"));
    EXPECT_EQ(files->read(folder.file("other")).value(), "stays");
}

TEST_F(WindowsFiles, MovesATreeToAnotherFileSystem) {
    // The bench names a folder on another file system, if this computer has one.
    const char* other = std::getenv("TEST_OTHER_FILE_SYSTEM");
    if (!other) GTEST_SKIP() << "no second file system to write to";
    const auto target = (std::filesystem::path(other) / "moved").make_preferred().string();
    ASSERT_TRUE(files->write(folder.file("file"), "content"));
    ASSERT_TRUE(files->move(folder.file("file"), folder.file("tree\\below\\file")));
    ASSERT_TRUE(files->move(folder.file("tree"), target));
    EXPECT_EQ(files->read(target + "\\below\\file").value(), "content");
    EXPECT_EQ(files->status(folder.file("tree")).error().kind, ErrorKind::not_found);
    ASSERT_TRUE(files->move(target, folder.file("tree")));
    EXPECT_EQ(files->read(folder.file("tree\\below\\file")).value(), "content");
}

TEST_F(WindowsFiles, RemovesFilesAndEmptyFolders) {
    ASSERT_TRUE(files->write(folder.file("read-only"), ""));
    SetFileAttributesW(std::filesystem::path(folder.file("read-only")).c_str(), FILE_ATTRIBUTE_READONLY);
    EXPECT_TRUE(files->remove(folder.file("read-only")));
    ASSERT_TRUE(files->write(folder.file("x"), ""));
    ASSERT_TRUE(files->move(folder.file("x"), folder.file("full\\x")));
    EXPECT_FALSE(files->remove(folder.file("full")));
    EXPECT_TRUE(files->remove(folder.file("full\\x")));
    EXPECT_TRUE(files->remove(folder.file("full")));
    EXPECT_EQ(files->remove(folder.file("full")).error().kind, ErrorKind::not_found);
}

}  // namespace
}  // namespace machine::files_test
