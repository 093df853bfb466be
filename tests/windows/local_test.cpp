#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "bench.hpp"
#include "remediations/machine/local/cms.hpp"
#include "remediations/machine/local/detached_process.hpp"
#include "remediations/machine/local/durable_file.hpp"
#include "remediations/machine/machine.hpp"

#include <windows.h>

#include <sddl.h>

namespace machine::local::local_test {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

TEST(WindowsDurableFile, ReplacesAndAppends) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "0.status";
    ASSERT_TRUE(write_durably(path, "old"));
    {
        // The guest agent reads a status file while we replace it, and shares it for reading only.
        const auto reader =
            CreateFileW(path.c_str(), GENERIC_READ, FILE_SHARE_READ, nullptr, OPEN_EXISTING, 0, nullptr);
        ASSERT_NE(reader, INVALID_HANDLE_VALUE);
        std::thread([reader] {
            Sleep(200);
            CloseHandle(reader);
        }).detach();
        ASSERT_TRUE(write_durably(path, "new\n"));
    }
    EXPECT_EQ(read_file(path).value(), "new\n");
    ASSERT_TRUE(append_line_durably(path, "and more\n"));
    EXPECT_EQ(read_file(path).value(), "new\nand more\n");
    ASSERT_TRUE(write_durably(path, "whole\n" + std::string(5000, 'x')));
    ASSERT_TRUE(append_line_durably(path, "next\n"));
    EXPECT_EQ(read_file(path).value(), "whole\nnext\n") << "the torn line is cut off";
    EXPECT_EQ(read_file(path, 3).error().kind, ErrorKind::too_large);
    EXPECT_EQ(read_file(folder.path() / "absent").error().kind, ErrorKind::not_found);
    EXPECT_EQ(write_durably(folder.path(), "x").error().kind, ErrorKind::invalid);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1) << "no temporary file stays";
}

TEST(WindowsDurableFile, MakesPrivateFolders) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "state" / "runs";
    ASSERT_TRUE(make_private_folder(path)) << make_private_folder(path).error().message;
    ASSERT_TRUE(make_private_folder(path)) << "it is there already";
    ASSERT_TRUE(write_durably(path / "file", "content"));
    EXPECT_FALSE(make_private_folder(path / "file"));
}

TEST(WindowsDurableFile, RefusesAFolderThatEverybodyMayWriteTo) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "open";
    ASSERT_TRUE(CreateDirectoryW(path.c_str(), nullptr));
    void* everybody = nullptr;
    ASSERT_TRUE(ConvertStringSecurityDescriptorToSecurityDescriptorW(L"D:P(A;OICI;FA;;;BA)(A;OICI;FA;;;WD)",
                                                                     SDDL_REVISION_1, &everybody, nullptr));
    ASSERT_TRUE(SetFileSecurityW(path.c_str(), DACL_SECURITY_INFORMATION, everybody));
    LocalFree(everybody);
    const auto made = make_private_folder(path);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().kind, ErrorKind::refused);
    EXPECT_THAT(made.error().message, HasSubstr("may be written to by S-1-1-0"));
    EXPECT_EQ(check_only_we_write_to(path).error().kind, ErrorKind::refused);
    EXPECT_TRUE(PinnedFolder::open(path)) << "the folders of logs are the guest agent's";
}

TEST(WindowsDurableFile, FindsAPrivateFolderPrivate) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "state" / "guard";
    ASSERT_TRUE(make_private_folder(path));
    EXPECT_TRUE(check_only_we_write_to(path)) << check_only_we_write_to(path).error().message;
    EXPECT_TRUE(check_only_we_write_to(path.parent_path()));
    EXPECT_EQ(check_only_we_write_to(path / "absent").error().kind, ErrorKind::not_found);
}

TEST(WindowsDurableFile, KnowsWhereStateLives) {
    EXPECT_EQ(state_folder(), std::filesystem::path("C:\\ProgramData\\BackupRemediation"));
}

/// Runs as a child of these tests: writes its arguments to the file in the first one.
class WindowsProcess : public testing::Test {
protected:
    TemporaryFolder folder;
    const std::filesystem::path working_directory = folder.path();

    /// What a child writes, once it has.
    std::string answer(const std::string& name) const {
        for (int attempt = 0; attempt < 200; ++attempt) {
            const auto content = read_file(folder.path() / name);
            if (content) return *content;
            std::this_thread::sleep_for(milliseconds(50));
        }
        return "no answer";
    }
};

TEST_F(WindowsProcess, RunsSupervised) {
    EXPECT_EQ(run_supervised(bench("echo_arguments.exe"), {"out", "7"}, working_directory, milliseconds(20000)).value(),
              7);
    EXPECT_EQ(run_supervised(bench("absent.exe"), {}, working_directory, milliseconds(1000)).error().kind,
              ErrorKind::not_found);
}

TEST_F(WindowsProcess, EndsASupervisedChildAtTheDeadline) {
    const auto before = std::chrono::steady_clock::now();
    const auto run = run_supervised(bench("test_service.exe"), {"hold"}, working_directory, milliseconds(300));
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5));
    ASSERT_FALSE(run);
    EXPECT_EQ(run.error().kind, ErrorKind::timed_out);
}

TEST_F(WindowsProcess, PassesEveryArgumentAsItIs) {
    const std::vector<std::string> arguments{
        "out", "0", "", "two words", "quote\"inside", "back\\slash", "end\\", "both\\\\\" and ", "%PATH%", "Grüße"};
    ASSERT_EQ(run_supervised(bench("echo_arguments.exe"), arguments, working_directory, milliseconds(20000)).value(),
              0);
    std::string expected;
    for (const auto& argument : arguments) expected += argument + "\n";
    EXPECT_EQ(answer("out"), expected);
}

TEST_F(WindowsProcess, StartsDetachedWithTheSystemsEnvironmentOnly) {
    ASSERT_TRUE(SetEnvironmentVariableW(L"TEST_SECRET", L"hunter2"));
    const auto started = start_detached("test", bench("echo_arguments.exe"),
                                        {"out", "0", "%TEST_SECRET%", "%SystemRoot%"}, working_directory);
    SetEnvironmentVariableW(L"TEST_SECRET", nullptr);
    ASSERT_TRUE(started) << started.error().message;
    EXPECT_EQ(*started, Detachment::breakaway);
    const auto lines = answer("out.expanded");
    EXPECT_THAT(lines, HasSubstr("%TEST_SECRET%\n"));
    EXPECT_THAT(lines, testing::Not(HasSubstr("%SystemRoot%")));
}

TEST_F(WindowsProcess, KnowsItself) {
    EXPECT_EQ(this_executable().filename(), "test-windows.exe");
    EXPECT_TRUE(is_privileged());
}

class WindowsCms : public testing::Test {
protected:
    const std::string thumbprint = bench_content("agent.thumbprint");
};

TEST_F(WindowsCms, DecryptsWithTheCertificateOfTheLocalMachine) {
    for (const auto* cipher : {"aes256", "aes128", "des3"}) {
        SCOPED_TRACE(cipher);
        const auto plain = decrypt_cms(bench_content(std::string("agent.") + cipher + ".cms"), thumbprint, {});
        EXPECT_EQ(plain ? *plain : plain.error().message, bench_content("secret.json"));
    }
}

TEST_F(WindowsCms, FindsItsPlaceAmongSeveralRecipients) {
    const auto plain = decrypt_cms(bench_content("both.cms"), thumbprint, {});
    ASSERT_TRUE(plain) << plain.error().message;
    EXPECT_EQ(*plain, bench_content("secret.json"));
}

TEST_F(WindowsCms, NamesACertificateThatIsNotThere) {
    const auto plain = decrypt_cms(bench_content("agent.aes256.cms"), std::string(40, 'A'), {});
    ASSERT_FALSE(plain);
    EXPECT_EQ(plain.error().kind, ErrorKind::not_found);
    EXPECT_THAT(plain.error().message, HasSubstr(std::string(40, 'A')));
    EXPECT_EQ(decrypt_cms(bench_content("agent.aes256.cms"), "not hex", {}).error().kind, ErrorKind::invalid);
}

TEST_F(WindowsCms, RefusesAMessageForSomebodyElse) {
    const auto plain = decrypt_cms(bench_content("other.cms"), thumbprint, {});
    ASSERT_FALSE(plain);
    EXPECT_EQ(plain.error().kind, ErrorKind::refused);
}

TEST_F(WindowsCms, SaysThatAMessageIsDamaged) {
    const auto message = bench_content("agent.aes256.cms");
    for (const auto& damaged :
         {std::string(), std::string("garbage"), message.substr(0, message.size() / 2), bench_content("signed.cms")}) {
        const auto plain = decrypt_cms(damaged, thumbprint, {});
        ASSERT_FALSE(plain);
        EXPECT_EQ(plain.error().kind, ErrorKind::invalid) << plain.error().message;
    }
    // Wherever a byte was changed, the answer is an error or other bytes, never a crash.
    for (std::size_t at = 0; at < message.size(); at += 7) {
        auto changed = message;
        changed[at] = static_cast<char>(changed[at] ^ 0x55);
        const auto plain = decrypt_cms(changed, thumbprint, {});
        if (!plain) {
            EXPECT_NE(plain.error().kind, ErrorKind::not_found) << "byte " << at;
        }
    }
}

}  // namespace
}  // namespace machine::local::local_test
