#include "remediations/knowledge/agent/packaged_configuration.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "remediations/machine/recorded/capture_content.hpp"
#include "remediations/machine/run_command.hpp"
#include "tests/temporary_folder.hpp"

namespace remediations::packaged_configuration_test {
namespace {

using machine::ErrorKind;
using machine::recorded::Capture;
using machine::recorded::Section;

constexpr auto text = "# As the package has it\nExtensions.Enabled=y\nResourceDisk.Format=y\n";
constexpr auto cached = "/var/cache/apt/archives/waagent_1%3a2.7-1_all.deb";

class PackagedConfiguration : public testing::Test {
protected:
    PackagedConfiguration() {
        capture_->complete = {Section::files, Section::commands};
        file("/usr/bin/apt-get", "");
        command({"/usr/bin/dpkg-query", "-W", "-f=${Version}", "waagent"}, "1:2.7-1");
    }

    void file(const std::string& path, const std::string& content, std::uint32_t mode = 0644, std::uint32_t uid = 0) {
        auto& answers = capture_->files[path];
        answers.content = content;
        answers.status = machine::FileStatus{.size = content.size(), .mode = mode, .uid = uid};
    }
    void cache(std::vector<std::string> names) { capture_->files["/var/cache/apt/archives"].list = std::move(names); }
    void command(std::vector<std::string> words, const std::string& output) {
        capture_->commands.insert_or_assign(std::move(words), machine::CommandOutput{.out = output, .err = {}});
    }
    auto found() const { return packaged_agent_configuration(machine::recorded::machine_of(capture_)); }

    std::shared_ptr<Capture> capture_ = std::make_shared<Capture>();
};

TEST_F(PackagedConfiguration, NoneIsNotInvented) {
    EXPECT_EQ(found().error().kind, ErrorKind::not_found);
    file("/etc/waagent.conf.dpkg-old", text);
    file("/etc/waagent.conf.rpmsave", text);
    EXPECT_EQ(found().error().kind, ErrorKind::not_found) << "these are somebody's own";
}

TEST_F(PackagedConfiguration, LiesBesideTheOneThatSomebodyChanged) {
    for (const auto* ending : {".rpmnew", ".ucf-dist", ".dpkg-new", ".dpkg-dist"}) {
        const auto path = std::string("/etc/waagent.conf") + ending;
        file(path, text);
        ASSERT_TRUE(found()) << ending;
        EXPECT_EQ(found()->text, text);
        EXPECT_EQ(found()->where, path);
    }
}

TEST_F(PackagedConfiguration, OneThatOthersWriteOrThatSetsNothingIsNotTaken) {
    const std::string path = "/etc/waagent.conf.dpkg-dist";
    file(path, text, 0666);
    EXPECT_FALSE(found());
    file(path, text, 0644, 1000);
    EXPECT_FALSE(found());
    file(path, "# nothing\n");
    EXPECT_FALSE(found());
    file(path, text);
    EXPECT_TRUE(found());
}

TEST_F(PackagedConfiguration, WhatCannotBeUnpackedWholeIsNotTaken) {
    file(cached, "cut short");
    cache({"waagent_1%3a2.7-1_all.deb"});
    capture_->commands.insert_or_assign(
        {"/usr/bin/dpkg-deb", "--fsys-tarfile", cached},
        machine::CommandOutput{.exit_code = 2, .out = "", .err = "dpkg-deb: error: unexpected end of file\n"});
    EXPECT_EQ(found().error().kind, ErrorKind::invalid);
    EXPECT_THAT(found().error().message, testing::HasSubstr("exit code 2): dpkg-deb: error: unexpected end"));
}

/// A real package, made here; where dpkg-deb is not installed there is nothing to be tried.
TEST_F(PackagedConfiguration, LiesInThePackageOfTheInstalledVersion) {
    if (!std::filesystem::exists("/usr/bin/dpkg-deb")) GTEST_SKIP() << "dpkg-deb is not installed";
    const tests::TemporaryFolder folder;
    const auto tree = folder.path() / "tree";
    std::filesystem::create_directories(tree / "DEBIAN");
    std::filesystem::create_directories(tree / "etc");
    std::ofstream(tree / "DEBIAN/control") << "Package: waagent\nVersion: 1:2.7-1\nArchitecture: all\n"
                                              "Maintainer: Nobody <nobody@example.com>\nDescription: for a test\n";
    std::ofstream(tree / "etc/waagent.conf") << text;
    const auto package = (folder.path() / "waagent.deb").string();
    const auto built =
        machine::run_command({"/usr/bin/dpkg-deb", {"--build", "--root-owner-group", tree.string(), package}});
    ASSERT_TRUE(built && built->exit_code == 0) << (built ? built->err : built.error().message);
    const auto unpacked = machine::query_command({"/usr/bin/dpkg-deb", {"--fsys-tarfile", package}});
    ASSERT_TRUE(unpacked);

    cache({"waagent_1%3a2.6-1_all.deb", "waagent_1%3a2.7-1_all.deb"});
    file(cached, "not read");
    command({"/usr/bin/dpkg-deb", "--fsys-tarfile", cached}, unpacked->out);
    ASSERT_TRUE(found()) << found().error().message;
    EXPECT_EQ(found()->text, text);
    EXPECT_EQ(found()->where, cached);

    cache({"waagent_1%3a2.6-1_all.deb"});
    EXPECT_EQ(found().error().kind, ErrorKind::not_found) << "another version's may be another";
    cache({"waagent_1%3a2.7-1_all.deb"});
    command({"/usr/bin/dpkg-deb", "--fsys-tarfile", cached}, "no archive");
    EXPECT_EQ(found().error().kind, ErrorKind::invalid);
}

}  // namespace
}  // namespace remediations::packaged_configuration_test
