#include "handler/agent/log.hpp"

#include <gmock/gmock.h>

#include "tests/handler/handler_folder.hpp"

namespace handler::log_test {
namespace {

class LogTest : public testing::Test {
protected:
    test::TemporaryFolder folder_;
};

TEST_F(LogTest, OpensAtTheFirstLine) {
    Log log(folder_.path(), "run");
    EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
    log.info("begun");
    EXPECT_THAT(test::read(log.file()),
                testing::MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{3}Z [0-9]+ info begun\n"));
}

TEST_F(LogTest, LaterLogsAppend) {
    Log(folder_.path(), "run").info("one");
    Log(folder_.path(), "run").warning("two");
    const auto text = test::read(Log(folder_.path(), "run").file());
    EXPECT_NE(text.find(" info one\n"), std::string::npos);
    EXPECT_NE(text.find(" warning two\n"), std::string::npos);
}

TEST_F(LogTest, ALineStaysALine) {
    Log log(folder_.path(), "run");
    log.error("a\nb {} %v \xff");
    EXPECT_NE(test::read(log.file()).find(" error a\\nb {} %v \xEF\xBF\xBD\n"), std::string::npos);
}

TEST_F(LogTest, IsBounded) {
    Log log(folder_.path(), "run");
    const std::string line(10'000, 'x');
    for (std::size_t written = 0; written < 2 * Log::most_files * Log::file_limit; written += line.size()) {
        log.info(line);
    }
    std::uintmax_t bytes = 0;
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
        bytes += entry.file_size();
        ++files;
    }
    EXPECT_EQ(files, Log::most_files);
    EXPECT_LE(bytes, Log::most_files * Log::file_limit);
    EXPECT_EQ(Log::files_in(folder_.path()).size(), files);
}

TEST_F(LogTest, WhatCannotBeWrittenIsNamedAndStopsNothing) {
    test::write(folder_.path() / "file", "");
    Log log(folder_.path() / "file" / "logs", "run");
    log.info("lost");
    log.error("lost too");
    EXPECT_NE(log.problem().find("cannot log"), std::string::npos) << log.problem();
}

TEST_F(LogTest, FilesOfOthersAreNotOurs) {
    test::write(folder_.path() / "CommandExecution.log", "");
    test::write(folder_.path() / "backup-remediation-run.txt", "");
    EXPECT_TRUE(Log::files_in(folder_.path()).empty());
}

}  // namespace
}  // namespace handler::log_test
