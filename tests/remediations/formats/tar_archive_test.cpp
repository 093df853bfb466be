#include "remediations/formats/tar_archive.hpp"

#include <gmock/gmock.h>

#include <cstdio>
#include <string>

namespace remediations::tar_archive_test {
namespace {

using machine::ErrorKind;
using testing::HasSubstr;

/// One member, as `tar --format=ustar` writes it; the checksum is nobody's concern here.
std::string member(const std::string& name, const std::string& content, char type = '0',
                   const std::string& prefix = {}) {
    std::string header(512, '\0');
    header.replace(0, name.size(), name);
    char size[13] = {};
    std::snprintf(size, sizeof size, "%011zo", content.size());
    header.replace(124, 11, size);
    header[156] = type;
    header.replace(257, 5, "ustar");
    header.replace(345, prefix.size(), prefix);
    return header + content + std::string((512 - content.size() % 512) % 512, '\0');
}

const std::string end(1024, '\0');

TEST(TarArchive, FindsAFileAmongOthers) {
    const auto archive = member("./", "", '5') + member("./etc/waagent.conf.d", std::string(513, 'x')) +
                         member("./etc/waagent.conf", "Extensions.Enabled=y\n") + end;
    EXPECT_EQ(file_in_tar(archive, "etc/waagent.conf").value(), "Extensions.Enabled=y\n");
    EXPECT_EQ(file_in_tar(member("waagent.conf", "a", '0', "./etc") + end, "etc/waagent.conf").value(), "a");
    EXPECT_EQ(file_in_tar(member("etc/waagent.conf", std::string(512, 'y')), "etc/waagent.conf")->size(), 512U);
}

TEST(TarArchive, AFolderOrLinkOfThatNameIsNoFile) {
    for (const char type : {'1', '2', '5', 'L'}) {
        const auto found = file_in_tar(member("etc/waagent.conf", "", type) + end, "etc/waagent.conf");
        EXPECT_EQ(found.error().kind, ErrorKind::not_found) << type;
    }
    EXPECT_EQ(file_in_tar("", "etc/waagent.conf").error().kind, ErrorKind::not_found);
}

TEST(TarArchive, WhatIsNoArchiveIsNamedByItsPlace) {
    const auto whole = member("etc/other", "content") + member("etc/waagent.conf", "a") + end;
    EXPECT_THAT(file_in_tar(whole.substr(0, 1100), "etc/waagent.conf").error().message, HasSubstr("offset 1024"));
    auto no_magic = whole;
    no_magic[257] = 'x';
    EXPECT_THAT(file_in_tar(no_magic, "etc/waagent.conf").error().message, HasSubstr("offset 257"));
    for (const auto* size : {"99999999999", "7777777777x", "-0000000001", "           "}) {
        auto wrong = whole;
        wrong.replace(124, 11, size);
        const auto found = file_in_tar(wrong, "etc/waagent.conf");
        ASSERT_FALSE(found) << size;
        EXPECT_EQ(found.error().kind, ErrorKind::invalid) << size;
    }
}

}  // namespace
}  // namespace remediations::tar_archive_test
