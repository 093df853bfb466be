#include "remediations/machine/mounts.hpp"

#include <gtest/gtest.h>

namespace machine::mounts_test {
namespace {

Mount mount(const char* source, const char* target, const char* type = "ext4") {
    return {source, target, type, {"rw"}};
}

TEST(MountHolding, IsTheLongestTargetAboveThePath) {
    const std::vector mounts{mount("a", "/"), mount("b", "/var"), mount("c", "/var/lib/waagent"),
                             mount("d", "/var/li")};
    EXPECT_EQ(mount_holding(mounts, "/var/lib/waagent")->source, "c");
    EXPECT_EQ(mount_holding(mounts, "/var/lib/waagent/x")->source, "c");
    EXPECT_EQ(mount_holding(mounts, "/var/lib")->source, "b") << "/var/li only looks as if it were above";
    EXPECT_EQ(mount_holding(mounts, "/variable")->source, "a");
    EXPECT_EQ(mount_holding(mounts, "/")->source, "a");
}

TEST(MountHolding, LastMountOnATargetHidesTheOthers) {
    const std::vector mounts{mount("a", "/"), mount("b", "/var"), mount("c", "/var")};
    EXPECT_EQ(mount_holding(mounts, "/var/log")->source, "c");
}

TEST(MountHolding, MayBeAVolumeOfWindows) {
    const std::vector mounts{mount("c", "C:\\"), mount("d", "D:\\"), mount("e", "D:\\data")};
    EXPECT_EQ(mount_holding(mounts, "D:\\data\\x")->source, "e");
    EXPECT_EQ(mount_holding(mounts, "D:\\database")->source, "d");
}

TEST(MountHolding, MayBeNone) {
    EXPECT_EQ(mount_holding({}, "/var"), nullptr);
    EXPECT_EQ(mount_holding({mount("a", "/home")}, "/var"), nullptr);
    EXPECT_EQ(mount_holding({mount("a", "/home")}, ""), nullptr);
}

TEST(MountHolding, RemoteOnesAreKnownByType) {
    for (const auto* type : {"nfs", "nfs4", "cifs", "fuse.sshfs", "fuseblk", "9p"}) {
        EXPECT_TRUE(is_remote(mount("a", "/", type))) << type;
    }
    for (const auto* type : {"ext4", "xfs", "btrfs", "tmpfs", "overlay"}) {
        EXPECT_FALSE(is_remote(mount("a", "/", type))) << type;
    }
}

}  // namespace
}  // namespace machine::mounts_test
