#include "remediations/machine/linux/mounts_linux.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace machine::local {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Mount parsed(const std::string& line) {
    const auto mounts = parse_mountinfo(line);
    EXPECT_TRUE(mounts) << mounts.error().message;
    return mounts && mounts->size() == 1 ? mounts->front() : Mount{};
}

TEST(Mountinfo, IsParsed) {
    EXPECT_EQ(parsed("36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n"),
              (Mount{"/dev/root", "/mnt2", "ext3", {"rw", "noatime", "errors=continue"}, "98:0", "/mnt1"}));
    EXPECT_EQ(parsed("21 26 0:20 / /sys rw shared:7 master:2 propagate_from:1 unbindable - sysfs sysfs rw"),
              (Mount{"sysfs", "/sys", "sysfs", {"rw"}, "0:20", "/"}));
    EXPECT_EQ(parsed("21 26 0:20 / / rw - tmpfs  rw").source, "");
    EXPECT_TRUE(parse_mountinfo("")->empty());
}

TEST(Mountinfo, EscapesAreUndone) {
    const Mount mount = parsed(R"(36 35 0:5 / /a\040b\011c\012d\134e rw - fuse.x\040y src\0401 rw)");
    EXPECT_EQ(mount.target, "/a b\tc\nd\\e");
    EXPECT_EQ(mount.type, "fuse.x y");
    EXPECT_EQ(mount.source, "src 1");
}

TEST(Mountinfo, ReadOnlyWins) {
    EXPECT_THAT(parsed("1 1 8:1 / / rw - ext4 /dev/sda1 ro,data=ordered").options, ElementsAre("ro", "data=ordered"));
    EXPECT_THAT(parsed("1 1 8:1 / / ro,nosuid - ext4 /dev/sda1 rw").options, ElementsAre("ro", "nosuid"));
}

TEST(Mountinfo, WhatIsWrongIsNamedWithItsLine) {
    const std::string good = "36 35 98:0 / /mnt rw - ext4 /dev/sda1 rw\n";
    const std::string bad[] = {
        "\n",
        "x\n",
        "36 35 98:0 / /mnt rw\n",
        "36 35 98:0 / /mnt rw -\n",
        "36 35 98:0 / /mnt rw - ext4 /dev/sda1\n",
        "36 35 98:0 / /mnt rw shared:1 ext4 /dev/sda1 rw\n",
        "- - - - - -\n",
        "36 35 98:0 / relative rw - ext4 /dev/sda1 rw\n",
        "36 35 98:0 /  rw - ext4 /dev/sda1 rw\n",
        "36 35 98:0 / /mnt rw -  /dev/sda1 rw\n",
        "36 35 98:0 / /a\\04 rw - ext4 /dev/sda1 rw\n",
        "36 35 98:0 / /a\\ rw - ext4 /dev/sda1 rw\n",
        "36 35 98:0 / /a\\999 rw - ext4 /dev/sda1 rw\n",
        "36 35 98:0 / /a\\777 rw - ext4 /dev/sda1 rw\n",
        std::string(100000, ' ').append("\n"),
        std::string("\0\xff\n", 3),
    };
    for (const std::string& line : bad) {
        const auto mounts = parse_mountinfo(std::string(good).append(line).append(good));
        ASSERT_FALSE(mounts) << line.substr(0, 80);
        EXPECT_EQ(mounts.error().kind, ErrorKind::invalid);
        EXPECT_THAT(mounts.error().message, HasSubstr("/proc/self/mountinfo line 2: expected"));
        EXPECT_LT(mounts.error().message.size(), 500u);
    }
}

TEST(Mountinfo, ManyLinesTakeLittleTime) {
    std::string text;
    for (int i = 0; i < 10000; ++i) {
        text += fmt::format("{} 1 0:{} / /var/lib/kubelet/pods/{}/volumes rw,relatime shared:{} - tmpfs tmpfs rw\n", i,
                            i, i, i);
    }
    const auto start = std::chrono::steady_clock::now();
    const auto mounts = parse_mountinfo(text);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
    ASSERT_EQ(mounts->size(), 10000u);
    EXPECT_EQ(mounts->back().target, "/var/lib/kubelet/pods/9999/volumes");
}

TEST(LinuxMounts, KnowTheRootAndProc) {
    const auto mounts = LinuxMounts().list();
    ASSERT_TRUE(mounts) << mounts.error().message;
    EXPECT_THAT(*mounts, testing::Contains(testing::Field(&Mount::target, "/")));
    EXPECT_THAT(*mounts, testing::Contains(testing::Field(&Mount::type, "proc")));
}

}  // namespace
}  // namespace machine::local
