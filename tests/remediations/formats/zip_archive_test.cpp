#include "remediations/formats/zip_archive.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/remediations/knowledge/logs/log_machine.hpp"

namespace remediations::zip_archive_test {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;

std::string little_endian(std::uint64_t value, int length) {
    std::string bytes;
    for (; length > 0; --length, value >>= 8) bytes += static_cast<char>(value & 0xff);
    return bytes;
}

/// One file of an archive; every field may lie.
struct Member {
    std::string name;
    std::string data;  ///< as it lies in the archive
    std::uint16_t method = 0;
    std::uint32_t crc = 0;
    std::uint64_t size = 0;
    std::uint16_t flags = 0;
    std::optional<std::uint32_t> offset = {};
};

Member stored(const std::string& name, const std::string& content) {
    return {.name = name, .data = content, .crc = crc32_of(content), .size = content.size()};
}

/// "hello hello hello hello\n" as zlib deflates it, without its header.
const std::string hello = "hello hello hello hello\n";
const std::string hello_deflated("\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\xb9\x00", 11);

Member deflated(const std::string& name) {
    return {.name = name, .data = hello_deflated, .method = 8, .crc = crc32_of(hello), .size = hello.size()};
}

std::string archive_of(const std::vector<Member>& members, const std::string& comment = {}) {
    std::string bytes;
    std::string directory;
    for (const auto& member : members) {
        const auto sizes = little_endian(member.crc, 4) + little_endian(member.data.size(), 4) +
                           little_endian(member.size, 4) + little_endian(member.name.size(), 2);
        const auto common = little_endian(member.flags, 2) + little_endian(member.method, 2) + little_endian(0, 4);
        const auto offset = member.offset.value_or(static_cast<std::uint32_t>(bytes.size()));
        bytes += "PK\3\4" + little_endian(20, 2) + common + sizes + little_endian(0, 2) + member.name + member.data;
        directory += "PK\1\2" + little_endian(20, 2) + little_endian(20, 2) + common + sizes + little_endian(0, 2) +
                     little_endian(0, 2) + little_endian(0, 2) + little_endian(0, 2) + little_endian(0, 4) +
                     little_endian(offset, 4) + member.name;
    }
    const auto count = little_endian(members.size(), 2);
    return bytes + directory + "PK\5\6" + little_endian(0, 4) + count + count + little_endian(directory.size(), 4) +
           little_endian(bytes.size(), 4) + little_endian(comment.size(), 2) + comment;
}

class ZipArchives : public ::testing::Test {
protected:
    machine::Result<ZipArchive> open(const std::string& bytes) {
        files_.add("/p.zip", bytes);
        return ZipArchive::open(files_, "/p.zip");
    }

    machine::Result<std::string> extract_first(const std::string& bytes) {
        const auto archive = open(bytes);
        if (!archive) return archive.error();
        return archive->extract(files_, archive->entries().front());
    }

    log_machine::LogFolder files_;
};

TEST_F(ZipArchives, GivesStoredAndDeflatedFiles) {
    const auto archive =
        open(archive_of({stored("a/b.py", "print()\n"), stored("a/", ""), deflated("c"), stored("d", "")}));
    ASSERT_TRUE(archive) << archive.error().message;
    EXPECT_THAT(archive->entries(), ElementsAre(Field(&ZipEntry::name, "a/b.py"), Field(&ZipEntry::name, "c"),
                                                Field(&ZipEntry::name, "d")));
    EXPECT_EQ(archive->extract(files_, archive->entries()[0]).value(), "print()\n");
    EXPECT_EQ(archive->extract(files_, archive->entries()[1]).value(), hello);
    EXPECT_EQ(archive->extract(files_, archive->entries()[2]).value(), "");
}

TEST_F(ZipArchives, MayHaveAComment) {
    EXPECT_TRUE(open(archive_of({stored("a", "b")}, "made by hand")));
    EXPECT_TRUE(open(archive_of({stored("a", "b")}, std::string(0xffff, 'c'))));
    EXPECT_TRUE(open(archive_of({})));
}

TEST_F(ZipArchives, ThatIsNoneIsAnErrorThatNamesIt) {
    for (const auto& bytes : {std::string(), std::string("PK"), std::string(1000, 'x'), std::string(100'000, '\0')}) {
        const auto archive = open(bytes);
        ASSERT_FALSE(archive);
        EXPECT_EQ(archive.error().kind, machine::ErrorKind::invalid);
        EXPECT_THAT(archive.error().message, HasSubstr("/p.zip: expected a zip archive"));
    }
    EXPECT_EQ(ZipArchive::open(files_, "/absent.zip").error().kind, machine::ErrorKind::not_found);
}

TEST_F(ZipArchives, NamesThatLeaveTheFolderMakeItInvalid) {
    for (const std::string& name :
         {std::string("../x"), std::string("/etc/passwd"), std::string("a/../../x"), std::string("a/.."),
          std::string("a\\..\\x"), std::string("./a"), std::string(), std::string("a\0b", 3), std::string("a\nb")}) {
        const auto archive = open(archive_of({stored("good", "b"), stored(name, "b")}));
        ASSERT_FALSE(archive) << name;
        EXPECT_THAT(archive.error().message, HasSubstr("file 2 of 2"));
    }
    EXPECT_TRUE(open(archive_of({stored("a..b/..c", "b")})));
}

TEST_F(ZipArchives, AFileTwiceIsInvalid) {
    EXPECT_FALSE(open(archive_of({stored("a", "b"), stored("a", "c")})));
}

TEST_F(ZipArchives, EncryptedOrHugeFilesAreInvalid) {
    auto member = stored("a", "b");
    member.flags = 1;
    EXPECT_FALSE(open(archive_of({member})));
    member = stored("a", "b");
    member.size = 0xffffffff;  // also what ZIP64 writes here
    EXPECT_FALSE(open(archive_of({member})));
}

TEST_F(ZipArchives, ADirectoryThatLiesIsInvalid) {
    const auto good = archive_of({stored("a", "b")});
    for (std::size_t byte = good.size() - 22; byte < good.size(); ++byte) {
        auto bad = good;
        bad[byte] = static_cast<char>(0xff);
        const auto archive = open(bad);  // whatever it says, it must not crash
        if (archive) {
            for (const auto& entry : archive->entries()) (void)archive->extract(files_, entry);
        }
    }
    EXPECT_FALSE(open(good.substr(0, good.size() - 1)));
    EXPECT_FALSE(open(good.substr(10)));
}

TEST_F(ZipArchives, DamagedDataAreAnErrorThatNamesTheFile) {
    auto wrong_crc = stored("a", "b");
    wrong_crc.crc = 1;
    auto wrong_size = stored("a", "b");
    wrong_size.size = 2;
    auto too_short = deflated("a");
    too_short.data.resize(5);
    auto bomb = deflated("a");
    bomb.size = 3;
    auto promises_more = deflated("a");
    promises_more.size = 100;
    auto promises_too_much = deflated("a");
    promises_too_much.size = 16 << 20;
    auto unknown = stored("a", "b");
    unknown.method = 14;
    auto elsewhere = stored("a", "b");
    elsewhere.offset = 7;
    auto beyond = stored("a", "b");
    beyond.offset = 0x7fffffff;
    for (const auto& member :
         {wrong_crc, wrong_size, too_short, bomb, promises_more, promises_too_much, unknown, elsewhere, beyond}) {
        const auto content = extract_first(archive_of({member}));
        ASSERT_FALSE(content);
        EXPECT_THAT(content.error().message, HasSubstr("/p.zip"));
    }
}

TEST_F(ZipArchives, AnyChangedByteGivesTheContentOrAnError) {
    const auto good = archive_of({deflated("a"), stored("b", "content")});
    for (std::size_t byte = 0; byte < good.size(); ++byte) {
        for (const int flip : {0x01, 0x80, 0xff}) {
            auto bad = good;
            bad[byte] = static_cast<char>(bad[byte] ^ flip);
            const auto archive = open(bad);
            if (!archive) continue;
            for (const auto& entry : archive->entries()) {
                const auto content = archive->extract(files_, entry);
                if (!content) continue;
                EXPECT_EQ(crc32_of(*content), entry.crc32);
            }
        }
    }
}

TEST_F(ZipArchives, RandomBytesBehindAnEndRecordAreNoArchive) {
    std::mt19937 random(1);
    for (int round = 0; round < 200; ++round) {
        std::string bytes(300, '\0');
        for (auto& byte : bytes) byte = static_cast<char>(random());
        bytes += "PK\5\6" + little_endian(0, 4) + little_endian(3, 2) + little_endian(3, 2) + little_endian(300, 4) +
                 little_endian(0, 4) + little_endian(0, 2);
        EXPECT_FALSE(open(bytes));
    }
}

TEST(Crc32, IsTheOneOfZipArchives) {
    EXPECT_EQ(crc32_of("123456789"), 0xcbf43926U);
}

}  // namespace
}  // namespace remediations::zip_archive_test
