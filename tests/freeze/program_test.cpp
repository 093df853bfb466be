// The program itself, as a person calls it.
#include <gmock/gmock.h>
#include <sys/fanotify.h>
#include <sys/mount.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>

#include "tests/freeze/disks.hpp"

namespace freeze_test::program_test {
namespace {

namespace json = boost::json;
using testing::HasSubstr;
using testing::Not;

constexpr auto lock_folder = "/etc/azure/MicrosoftRecoverySvcsSafeFreezeLock";
constexpr auto soon = milliseconds(1000);

std::filesystem::path program() {
    const char* other = std::getenv("FREEZE_TEST_PROGRAM");
    return other ? std::filesystem::path(other)
                 : std::filesystem::read_symlink("/proc/self/exe").parent_path() / "backup-remediation";
}

class Program : public testing::Test {
protected:
    Program() {
        // Its state, and the folder of the lock, in memory: nothing of the computer is changed.
        for (const char* folder : {"/var/lib", "/etc/azure"}) {
            if (!std::filesystem::exists(folder)) continue;
            if (::mount("tmpfs", folder, "tmpfs", 0, "mode=0755") != 0) throw std::runtime_error("no tmpfs");
        }
    }
    ~Program() override {
        ::umount2("/var/lib", MNT_DETACH);
        if (had_folder_) ::umount2("/etc/azure", MNT_DETACH);
    }

    static machine::CommandOutput rehearse(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "rehearse");
        const auto output = machine::run_command({program().string(), arguments, std::chrono::seconds(60)});
        return output ? *output : machine::CommandOutput{-1, "", output.error().message};
    }
    static std::string outcomes(const machine::CommandOutput& output) {
        std::string text;
        const auto document = json::parse(output.out);
        for (const auto& mount : document.at("mounts").as_array()) {
            text += std::string(mount.at("outcome").as_string()) + " ";
        }
        return text;
    }

    const bool had_folder_ = std::filesystem::exists("/etc/azure");
    const TemporaryFolder folder_;
};

TEST_F(Program, RehearsesADiskWithABindMount) {
    const Disk disk(folder_.path(), "disk", "xfs");
    const Disk other(folder_.path(), "other", "ext4");
    const auto elsewhere = folder_ / "elsewhere";
    std::filesystem::create_directory(elsewhere);
    must_run("/bin/mount", {"--bind", disk.path(), elsewhere});
    const auto output =
        rehearse({"--mount", disk.path(), "--mount", other.path(), "--mount", elsewhere, "--format", "json"});
    must_run("/bin/umount", {elsewhere});
    EXPECT_EQ(output.exit_code, 0) << output.out << output.err;
    EXPECT_EQ(outcomes(output), "freezable freezable left-out ");
    EXPECT_FALSE(disk.thaw()) << "it was still frozen";
    EXPECT_FALSE(std::filesystem::exists(lock_folder)) << "what was made for the lock is still there";
}

TEST_F(Program, SaysWhatCannotBeFrozen) {
    const Disk disk(folder_.path(), "disk", "btrfs");
    ASSERT_TRUE(disk.freeze());
    const auto output = rehearse({"--mount", disk.path()});
    EXPECT_TRUE(disk.thaw());
    EXPECT_EQ(output.exit_code, 1) << output.err;
    EXPECT_THAT(output.out, HasSubstr("something else has frozen it already"));
}

TEST_F(Program, LeavesTheSystemAlone) {
    const auto output = rehearse({"--mount", "/"});
    EXPECT_EQ(output.exit_code, 3) << output.out << output.err;
    EXPECT_THAT(output.out, HasSubstr("left-out        / "));
}

TEST_F(Program, LeavesTheDiskAloneThatItRunsFrom) {
    const Disk disk(folder_.path(), "disk", "ext4");
    const auto copy = disk.path() + "/program";
    std::filesystem::copy_file(program(), copy);
    const auto output = machine::run_command({copy, {"rehearse", "--mount", disk.path()}, std::chrono::seconds(60)});
    ASSERT_TRUE(output);
    EXPECT_EQ(output->exit_code, 3) << output->err;
    EXPECT_THAT(output->out, HasSubstr("left-out"));
    const auto included = machine::run_command(
        {copy, {"rehearse", "--include-system", "--mount", disk.path()}, std::chrono::seconds(60)});
    ASSERT_TRUE(included);
    EXPECT_EQ(included->exit_code, 0) << included->out << included->err;
    EXPECT_TRUE(is_writable(disk.path(), soon));
}

TEST_F(Program, RefusesWhileAProcessDecidesAboutAccess) {
    const Disk disk(folder_.path(), "disk", "ext4");
    const FileDescriptor listener(::fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY));
    if (!listener) GTEST_SKIP() << "no fanotify permission events here";
    const auto output = rehearse({"--mount", disk.path()});
    EXPECT_EQ(output.exit_code, 3);
    EXPECT_THAT(output.out, HasSubstr("test-freeze (pid " + std::to_string(::getpid()) + ")"));
    EXPECT_THAT(output.out, Not(HasSubstr("freezable ")));
}

TEST_F(Program, RefusesWhileAnotherProgramFreezes) {
    const Disk disk(folder_.path(), "disk", "ext4");
    std::filesystem::create_directories(lock_folder);
    const FileDescriptor file(
        ::open((std::string(lock_folder) + "/SafeFreezeLockFile").c_str(), O_RDWR | O_CREAT, 0644));
    struct flock lock {};
    lock.l_type = F_WRLCK;
    ASSERT_EQ(::fcntl(file.get(), F_SETLK, &lock), 0);
    const auto output = rehearse({"--mount", disk.path()});
    std::filesystem::remove_all(had_folder_ ? lock_folder : "/etc/azure");
    EXPECT_EQ(output.exit_code, 3);
    EXPECT_THAT(output.out, HasSubstr("Another program freezes file systems now"));
}

TEST_F(Program, RefusesWhileABackupRuns) {
    const Disk disk(folder_.path(), "disk", "ext4");
    const auto name = folder_ / "safefreeze";
    std::filesystem::copy_file("/bin/sleep", name);
    Child backup([&] { return ::execl(name.c_str(), name.c_str(), "60", nullptr); });
    std::this_thread::sleep_for(milliseconds(100));
    const auto output = rehearse({"--mount", disk.path()});
    EXPECT_EQ(output.exit_code, 3);
    EXPECT_THAT(output.out, HasSubstr("A backup may be running"));
}

}  // namespace
}  // namespace freeze_test::program_test
