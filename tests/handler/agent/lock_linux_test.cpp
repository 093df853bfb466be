#include "handler/agent/lock.hpp"

#include <gtest/gtest.h>

#include "tests/handler/handler_folder.hpp"
#include "tests/handler/other_process.hpp"

namespace handler::lock_linux_test {
namespace {

using machine::ErrorKind;
using std::chrono::milliseconds;

class LockTest : public testing::Test {
protected:
    test::TemporaryFolder folder_;
    const std::filesystem::path file_ = folder_.path() / "lock";
};

TEST_F(LockTest, KeepsOtherProcessesOut) {
    test::LockHolder holder(file_);
    EXPECT_TRUE(FileLock::held_elsewhere(file_));
    const auto lock = FileLock::acquire(file_, milliseconds(30));
    ASSERT_FALSE(lock);
    EXPECT_EQ(lock.error().kind, ErrorKind::timed_out);
    EXPECT_EQ(lock.error().message, file_.string() + ": another process of backup-remediation holds the lock");
}

TEST_F(LockTest, EndsWithItsProcess) {
    test::LockHolder holder(file_);
    holder.release();
    EXPECT_FALSE(FileLock::held_elsewhere(file_));
    EXPECT_TRUE(FileLock::acquire(file_, milliseconds(0)));
}

TEST_F(LockTest, IsWaitedFor) {
    const auto is_seen = folder_.path() / "seen";
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    test::OtherProcess other([&] {
        const auto lock = FileLock::acquire(file_, milliseconds(0));
        while (!std::filesystem::exists(is_seen) && std::chrono::steady_clock::now() < patience) ::usleep(1000);
        ::usleep(100'000);
        return lock ? 0 : 1;
    });
    while (!FileLock::held_elsewhere(file_)) {
        ASSERT_LT(std::chrono::steady_clock::now(), patience);
        ::usleep(1000);
    }
    std::ofstream(is_seen) << "";
    EXPECT_TRUE(FileLock::acquire(file_, std::chrono::seconds(5)));
    EXPECT_EQ(other.wait(), 0);
}

TEST_F(LockTest, IsLetGoOfAtTheEndOfItsScope) {
    const auto is_free_elsewhere = [&] {
        return test::OtherProcess([&] { return FileLock::held_elsewhere(file_) ? 1 : 0; }).wait() == 0;
    };
    {
        const auto lock = FileLock::acquire(file_, milliseconds(0));
        ASSERT_TRUE(lock);
        EXPECT_FALSE(is_free_elsewhere());
    }
    EXPECT_TRUE(is_free_elsewhere());
}

TEST_F(LockTest, WhereNothingIsNobodyHoldsIt) {
    EXPECT_FALSE(FileLock::held_elsewhere(file_));
}

TEST_F(LockTest, NamesAFileThatCannotBeMade) {
    const auto lock = FileLock::acquire(folder_.path() / "absent/lock", milliseconds(0));
    ASSERT_FALSE(lock);
    EXPECT_EQ(lock.error().message, (folder_.path() / "absent/lock").string() + ": cannot create the lock file");
}

TEST_F(LockTest, TheRunLockMakesTheStateFolder) {
    const auto state = folder_.path() / "state";
    EXPECT_TRUE(acquire_run_lock(state, milliseconds(0)));
    EXPECT_TRUE(std::filesystem::exists(run_lock_file(state)));
}

}  // namespace
}  // namespace handler::lock_linux_test
