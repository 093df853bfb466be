#include "remediations/knowledge/snapshot/freeze_targets.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace remediations::freeze_targets_test {
namespace {

using machine::Mount;
using testing::ElementsAre;

Mount mount(std::string source, std::string target, std::string type, std::string device, std::string root = "/") {
    return {std::move(source), std::move(target), std::move(type), {"rw"}, std::move(device), std::move(root)};
}

std::vector<std::string> frozen(const std::vector<Mount>& mounts, const std::string& resource_disk = {},
                                const std::string& configuration = {}) {
    std::vector<std::string> names;
    for (const auto& target : freeze_targets(mounts, VmBackupConfiguration(configuration), resource_disk)) {
        if (!target.skipped) names.push_back(target.mount_point);
    }
    return names;
}

const Mount root = mount("/dev/sda1", "/", "ext4", "8:1");

TEST(FreezeTargets, AreMountsOfBlockDevicesOfFourTypes) {
    EXPECT_THAT(frozen({root, mount("proc", "/proc", "proc", "0:20"), mount("tmpfs", "/run", "tmpfs", "0:21"),
                        mount("/dev/sdb1", "/b", "ext2", "8:17"), mount("/dev/sdc1", "/c", "xfs", "8:33"),
                        mount("/dev/sdd1", "/d", "ext3", "8:49"), mount("h:/x", "/n", "nfs4", "0:50"),
                        mount("/dev/loop1", "/l", "ext4", "7:1"), mount("/dev/loop1p1", "/p", "ext4", "259:0")}),
                ElementsAre("/", "/c", "/d", "/p"));
}

TEST(FreezeTargets, AreOneForEachDeviceAsLsblkNamesIt) {
    EXPECT_THAT(frozen({root, mount("/dev/sdc1", "/a", "ext4", "8:33"), mount("/dev/sdc1", "/b", "ext4", "8:33")}),
                ElementsAre("/", "/b"));
    EXPECT_THAT(
        frozen({root, mount("/dev/sdc1", "/a", "ext4", "8:33"), mount("/dev/sdc1", "/b", "ext4", "8:33", "/x")}),
        ElementsAre("/", "/a"));
    EXPECT_THAT(frozen({mount("/dev/sda2", "/", "btrfs", "0:30", "/@"),
                        mount("/dev/sda2", "/home", "btrfs", "0:30", "/@home")}),
                ElementsAre("/"));
    EXPECT_THAT(frozen({root, mount("/dev/sdc1", "/a", "ext4", "8:33"), mount("/dev/sdd1", "/a", "xfs", "8:49")}),
                ElementsAre("/", "/a"));
    EXPECT_THAT(frozen({root, mount("/dev/sdc1", "/a", "ext4", "8:33"), mount("tmpfs", "/a", "tmpfs", "0:40")}),
                ElementsAre("/"));
}

TEST(FreezeTargets, LeaveOutTheResourceDiskAndWhatIsSkipped) {
    const auto mounts =
        std::vector{root, mount("/dev/sdb1", "/mnt", "ext4", "8:17"), mount("/dev/sdc1", "/data", "xfs", "8:33")};
    EXPECT_THAT(frozen(mounts, "sdb"), ElementsAre("/", "/data"));
    EXPECT_THAT(frozen(mounts, {}, "[SnapshotThread]\nMountsToSkip=/data,/\n"), ElementsAre("/", "/mnt"));
}

TEST(FreezeTargets, KnowWhatALaterMountHides) {
    const auto targets =
        freeze_targets({mount("/dev/sdd1", "/data/old", "ext4", "8:49"), mount("/dev/sdc1", "/data", "ext4", "8:33"),
                        mount("/dev/sde1", "/database", "ext4", "8:65"), root},
                       VmBackupConfiguration(std::nullopt), {});
    ASSERT_EQ(targets.size(), 4);
    EXPECT_EQ(targets[0].hidden_by->source, "/dev/sdc1");
    EXPECT_EQ(targets[0].file_system(), "8:33");
    EXPECT_FALSE(targets[1].hidden_by);
    EXPECT_FALSE(targets[2].hidden_by);
    EXPECT_TRUE(frozen({}).empty());
}

TEST(FreezeTargets, SpellNamesAsLsblkDoes) {
    EXPECT_EQ(as_lsblk_prints("/mnt/my disk"), "/mnt/my disk");
    EXPECT_EQ(as_lsblk_prints("/mnt/\xC3\xA9"), "/mnt/\\xc3\\xa9");
    EXPECT_EQ(as_lsblk_prints("/mnt/$HOME\"`\\"), "/mnt/\\x24HOME\\x22\\x60\\x5c");
    EXPECT_EQ(as_lsblk_prints("/mnt/a=b"), "/mnt/a");
    EXPECT_TRUE(lies_in("/a/b", "/a"));
    EXPECT_TRUE(lies_in("/a", "/a"));
    EXPECT_FALSE(lies_in("/ab", "/a"));
    EXPECT_TRUE(lies_in("/ab", "/"));
}

}  // namespace
}  // namespace remediations::freeze_targets_test
