#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <stdexcept>

#include "handler/cli/command_line.hpp"
#include "tests/handler/other_process.hpp"
#include "tests/temporary_folder.hpp"

namespace handler::command_line_linux_test {
namespace {

TEST(CommandLineLock, FixAndUndoStayAwayWhileAnotherRunWorks) {
    const tests::TemporaryFolder state;
    const test::LockHolder other(run_lock_file(state.path()));
    const Host host{[]() -> machine::Machine& { throw std::logic_error("the machine was looked at"); }, state.path(),
                    true};
    for (const std::string command : {"fix", "undo"}) {
        std::ostringstream out;
        std::ostringstream err;
        EXPECT_EQ(command_line({command}, host, out, err), 3);
        EXPECT_THAT(err.str(), testing::HasSubstr("another run of backup-remediation is at work"));
        EXPECT_EQ(out.str(), "");
    }
}

}  // namespace
}  // namespace handler::command_line_linux_test
