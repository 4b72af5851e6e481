#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <iterator>
#include <span>
#include <string>
#include <visavis/core/file.hpp>

namespace visavis {
namespace {

class FileTest : public testing::Test {
 protected:
  FileTest() {
    dir_ = std::filesystem::temp_directory_path() /
           ("visavis_file_test_" + std::to_string(::getpid()));
    std::filesystem::create_directories(dir_);
  }
  ~FileTest() override { std::filesystem::remove_all(dir_); }
  std::filesystem::path dir_;
};

TEST_F(FileTest, ReadsBackWhatWasWritten) {
  ASSERT_TRUE(write_file(dir_ / "new" / "a", std::string_view("hello\0there", 11)));
  auto bytes = read_file(dir_ / "new" / "a", 100);
  ASSERT_TRUE(bytes);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size()),
            std::string("hello\0there", 11));
}

TEST_F(FileTest, SaysWhyNot) {
  EXPECT_EQ(read_file(dir_ / "none", 100).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(read_file(dir_, 100).error().code, ErrorCode::kInvalidArgument);
  ASSERT_TRUE(write_file(dir_ / "big", "0123456789"));
  EXPECT_EQ(read_file(dir_ / "big", 9).error().code, ErrorCode::kInvalidArgument);
  ASSERT_EQ(::mkfifo((dir_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(read_file(dir_ / "pipe", 9).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(write_file("/proc/none/x", "a").error().code, ErrorCode::kUnavailable);
}

std::size_t files_in(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST_F(FileTest, WriterThatIsGivenUpLeavesNothing) {
  ASSERT_TRUE(write_file(dir_ / "a", "old"));
  {
    auto writer = FileWriter::create(dir_ / "a");
    ASSERT_TRUE(writer);
    ASSERT_TRUE(writer->append(std::as_bytes(std::span("new", 3))));
  }
  EXPECT_EQ(files_in(dir_), 1U);
  EXPECT_EQ(read_file(dir_ / "a", 100)->size(), 3U);
}

TEST_F(FileTest, WriterThatIsGivenUpRemovesTheFoldersItMade) {
  std::filesystem::create_directory(dir_ / "there");
  {
    const auto writer = FileWriter::create(dir_ / "there" / "new" / "newer" / "a");
    ASSERT_TRUE(writer);
    EXPECT_TRUE(std::filesystem::exists(dir_ / "there" / "new" / "newer"));
  }
  EXPECT_TRUE(std::filesystem::is_empty(dir_ / "there"));
  {
    const auto writer = FileWriter::create(dir_ / "there" / "new" / "a");
    ASSERT_TRUE(writer);
    ASSERT_TRUE(write_file(dir_ / "there" / "new" / "somebody's", "x"));
  }
  EXPECT_EQ(files_in(dir_ / "there" / "new"), 1U) << "what others put there stays";
  // The name is longer than any file system takes: it fails when the folders are there.
  EXPECT_FALSE(write_file(dir_ / "once" / "more" / std::string(300, 'x'), "x"));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "once"));
  ASSERT_TRUE(write_file(dir_ / "kept" / "a", "x"));
  EXPECT_TRUE(std::filesystem::exists(dir_ / "kept" / "a"));
}

TEST_F(FileTest, WriterThatIsKilledLeavesNothing) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto writer = FileWriter::create(dir_ / "a");
    if (writer && writer->append(std::as_bytes(std::span("half", 4)))) ::raise(SIGKILL);
    ::_exit(1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  if (::open(dir_.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600) < 0)
    GTEST_SKIP() << "this file system has no files without a name";
  EXPECT_EQ(files_in(dir_), 0U);
}

TEST_F(FileTest, WriterFollowsLinksAndKeepsPermissions) {
  ASSERT_TRUE(write_file(dir_ / "target", "old"));
  ASSERT_EQ(::chmod((dir_ / "target").c_str(), 0600), 0);
  std::filesystem::create_symlink("target", dir_ / "link");
  ASSERT_TRUE(write_file(dir_ / "link", "newer"));
  EXPECT_TRUE(std::filesystem::is_symlink(dir_ / "link"));
  EXPECT_EQ(read_file(dir_ / "target", 100)->size(), 5U);
  struct stat facts{};
  ASSERT_EQ(::stat((dir_ / "target").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
}

TEST_F(FileTest, WriterForItsOwnerClosesTheFileToOthers) {
  const auto mode_of = [](const std::filesystem::path& path) {
    struct stat facts{};
    EXPECT_EQ(::stat(path.c_str(), &facts), 0);
    return facts.st_mode & 0777U;
  };
  const mode_t before = ::umask(0);
  ASSERT_TRUE(write_file(dir_ / "new", "x", Readers::kOwner));
  ASSERT_TRUE(write_file(dir_ / "open", "x"));
  EXPECT_EQ(mode_of(dir_ / "new"), 0600U);
  EXPECT_EQ(mode_of(dir_ / "open"), 0666U);
  ASSERT_TRUE(write_file(dir_ / "open", "y", Readers::kOwner));
  EXPECT_EQ(mode_of(dir_ / "open"), 0600U);
  ::umask(before);
}

TEST_F(FileTest, WriterReplacesNothingButFiles) {
  ASSERT_EQ(::mkfifo((dir_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(write_file(dir_ / "pipe", "a").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(write_file(dir_, "a").error().code, ErrorCode::kInvalidArgument);
  struct stat facts{};
  ASSERT_EQ(::stat((dir_ / "pipe").c_str(), &facts), 0);
  EXPECT_TRUE(S_ISFIFO(facts.st_mode));
}

TEST_F(FileTest, WriterSaysWhichFileCannotBeWritten) {
  const auto error = write_file("/proc/none/x", "a").error();
  EXPECT_NE(error.message.find("/proc/none/x"), std::string::npos) << error.message;
}

TEST_F(FileTest, WriterMakesFoldersAlsoBesideThePlaceItStandsIn) {
  EXPECT_TRUE(write_file(dir_ / "a" / "b" / "c" / "file", "x"));
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(dir_);
  EXPECT_TRUE(write_file("file", "x"));
  EXPECT_TRUE(write_file("d/e/file", "x"));
  std::filesystem::current_path(before);
  EXPECT_EQ(read_file(dir_ / "d" / "e" / "file", 100)->size(), 1U);
}

TEST_F(FileTest, ALockedFileIsHeldOnce) {
  {
    const auto held = lock_file(dir_ / "lock");
    ASSERT_TRUE(held) << held.error().message;
    const auto second = lock_file(dir_ / "lock");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
    EXPECT_TRUE(second.error().message.contains("another process"));
  }
  EXPECT_TRUE(lock_file(dir_ / "lock")) << "free again when its holder has gone";
  EXPECT_EQ(lock_file(dir_ / "none" / "lock").error().code, ErrorCode::kUnavailable);
}

TEST_F(FileTest, SyncsFoldersOnly) {
  EXPECT_TRUE(sync_folder(dir_));
  ASSERT_TRUE(write_file(dir_ / "file", "x"));
  EXPECT_EQ(sync_folder(dir_ / "file").error().code, ErrorCode::kUnavailable);
}

// RFC 3629 section 3 and 4.
TEST(Utf8, AcceptsWellFormedOnly) {
  EXPECT_TRUE(is_utf8("plain"));
  EXPECT_TRUE(is_utf8("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"));
  EXPECT_FALSE(is_utf8("\xC3"));
  EXPECT_FALSE(is_utf8("\xC0\x80"));          // overlong
  EXPECT_FALSE(is_utf8("\xED\xA0\x80"));      // surrogate
  EXPECT_FALSE(is_utf8("\xF4\x90\x80\x80"));  // above U+10FFFF
  EXPECT_FALSE(is_utf8("\x80"));
}

}  // namespace
}  // namespace visavis
