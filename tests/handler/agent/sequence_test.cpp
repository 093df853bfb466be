#include "handler/agent/sequence.hpp"

#include <gtest/gtest.h>

#include "tests/handler/handler_folder.hpp"

namespace handler::sequence_test {
namespace {

using machine::ErrorKind;

class SequenceTest : public testing::Test {
protected:
    SequenceRecord stored() const { return load_sequence(handler_.folder).value().value(); }
    void save(const SequenceRecord& record) const {
        ASSERT_TRUE(save_sequence(handler_.folder, record, *lock_sequence(handler_.folder)));
    }

    test::TemporaryFolder root_;
    test::HandlerFolder handler_{root_.path()};
};

TEST_F(SequenceTest, AFreshInstallationHasNone) {
    EXPECT_EQ(load_sequence(handler_.folder).value(), std::nullopt);
}

TEST_F(SequenceTest, KeepsWhatIsSaved) {
    for (const SequenceRecord& record :
         {SequenceRecord{0, SequenceState::running, 1, "", "", ""},
          SequenceRecord{17, SequenceState::finished, 2, "20261121T014907Z-0001", "2026-11-21T01:49:07Z", "[\"\\n\"]"},
          SequenceRecord{~std::uint64_t{0} >> 1U, SequenceState::rejected, 5, "", "x", "y"}}) {
        save(record);
        EXPECT_EQ(stored(), record);
    }
}

TEST_F(SequenceTest, DamageIsNamed) {
    const auto whole =
        R"({"schema":1,"sequence":3,"state":"running","attempts":1,"runId":"","finished":"","status":""})";
    test::write(sequence_file(handler_.folder), whole);
    ASSERT_TRUE(load_sequence(handler_.folder));
    for (const std::string& damaged :
         {std::string(), std::string("{"), std::string("[]"), std::string(90, '\0'), std::string(whole).substr(0, 40),
          std::string(
              R"({"schema":2,"sequence":3,"state":"running","attempts":1,"runId":"","finished":"","status":""})"),
          std::string(
              R"({"schema":1,"sequence":-3,"state":"running","attempts":1,"runId":"","finished":"","status":""})"),
          std::string(
              R"({"schema":1,"sequence":3.5,"state":"running","attempts":1,"runId":"","finished":"","status":""})"),
          std::string(
              R"({"schema":1,"sequence":3,"state":"walking","attempts":1,"runId":"","finished":"","status":""})"),
          std::string(
              R"({"schema":1,"sequence":3,"state":"running","attempts":1,"runId":"","finished":"","status":7})")}) {
        test::write(sequence_file(handler_.folder), damaged);
        const auto loaded = load_sequence(handler_.folder);
        ASSERT_FALSE(loaded) << damaged;
        EXPECT_EQ(loaded.error().kind, ErrorKind::invalid) << damaged;
        EXPECT_NE(loaded.error().message.find("sequence.json"), std::string::npos) << loaded.error().message;
    }
}

TEST_F(SequenceTest, ConcludingWritesStoreAndStatus) {
    save({4, SequenceState::running, 2, "", "", ""});
    ASSERT_TRUE(
        conclude(handler_.environment(), 4, SequenceState::finished, "run", "[1]", *lock_sequence(handler_.folder)));
    EXPECT_EQ(stored().state, SequenceState::finished);
    EXPECT_EQ(stored().attempts, 2U);
    EXPECT_EQ(stored().run_id, "run");
    EXPECT_EQ(stored().status_text, "[1]");
    EXPECT_EQ(stored().finished.size(), std::string("2026-11-21T01:49:07Z").size());
    EXPECT_EQ(test::read(handler_.status_path(4)), "[1]");
}

TEST_F(SequenceTest, WhoseNumberWasReplacedOnlyReportsIt) {
    save({5, SequenceState::running, 1, "", "", ""});
    ASSERT_TRUE(
        conclude(handler_.environment(), 4, SequenceState::finished, "", "[4]", *lock_sequence(handler_.folder)));
    EXPECT_EQ(stored(), (SequenceRecord{5, SequenceState::running, 1, "", "", ""}));
    EXPECT_EQ(test::read(handler_.status_path(4)), "[4]");
}

TEST_F(SequenceTest, TheStatusIsPutBackFromTheStore) {
    const SequenceRecord record{6, SequenceState::finished, 1, "", "", "[6]"};
    ASSERT_TRUE(restore_status(handler_.environment(), record));
    EXPECT_EQ(test::read(handler_.status_path(6)), "[6]");

    test::write(handler_.status_path(6), "[torn");
    ASSERT_TRUE(restore_status(handler_.environment(), record));
    EXPECT_EQ(test::read(handler_.status_path(6)), "[6]");

    const auto before = std::filesystem::file_time_type::clock::now() - std::chrono::hours(1);
    std::filesystem::last_write_time(handler_.status_path(6), before);
    ASSERT_TRUE(restore_status(handler_.environment(), record));
    EXPECT_EQ(std::filesystem::last_write_time(handler_.status_path(6)), before) << "it was written without need";

    std::filesystem::remove_all(handler_.folder / "status");
    ASSERT_TRUE(restore_status(handler_.environment(), record));
    EXPECT_EQ(test::read(handler_.status_path(6)), "[6]");
}

TEST_F(SequenceTest, AFolderThatIsGoneIsNotMadeAnew) {
    const auto environment = handler_.environment();
    std::filesystem::remove_all(handler_.folder);
    EXPECT_FALSE(write_status(environment, 1, "[]"));
    EXPECT_FALSE(std::filesystem::exists(handler_.folder));
}

}  // namespace
}  // namespace handler::sequence_test
