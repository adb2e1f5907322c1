#include "edge/management/log_frames.h"

#include <gtest/gtest.h>

namespace selvage::edge::management {
namespace {

std::string frame(char stream, std::string_view text) {
    std::string bytes{stream, 0, 0, 0, 0, 0, static_cast<char>(text.size() >> 8), static_cast<char>(text.size())};
    return bytes.append(text);
}

std::string joined(const std::vector<LogPart>& parts) {
    std::string all;
    for (const LogPart& part : parts) all += part.text;
    return all;
}

TEST(LogFrames, AreStrippedWhereverTheChunksAreCut) {
    const std::string stream = frame(1, "first\n") + frame(2, "") + frame(2, "second\n") + frame(1, std::string(300, 'x'));
    const std::string want = "first\nsecond\n" + std::string(300, 'x');
    for (std::size_t step = 1; step <= stream.size(); ++step) {
        LogFrames frames;
        std::string got;
        for (std::size_t at = 0; at < stream.size(); at += step)
            got += joined(frames.feed(std::string_view(stream).substr(at, step)));
        got += joined(frames.finish());
        ASSERT_EQ(got, want) << "chunks of " << step;
    }
}

TEST(LogFrames, TellTheStreamsApart) {
    LogFrames frames;
    const auto parts = frames.feed(frame(1, "out") + frame(2, "err"));
    ASSERT_EQ(parts.size(), 2u);
    EXPECT_FALSE(parts[0].is_error);
    EXPECT_TRUE(parts[1].is_error);
    EXPECT_TRUE(parts[1].begins_frame);
}

TEST(LogFrames, PassOnAStreamWithoutFrames) {
    LogFrames frames;
    EXPECT_EQ(joined(frames.feed("plain text of a terminal\n")) + joined(frames.feed("more")),
              "plain text of a terminal\nmore");
    LogFrames brief;
    const std::string looks_like_a_head("\1\0\0", 3);
    EXPECT_TRUE(brief.feed(looks_like_a_head).empty());
    EXPECT_EQ(joined(brief.finish()), looks_like_a_head);
}

}  // namespace
}  // namespace selvage::edge::management
