#include "edge/runtime/docker/pull_progress.h"

#include <gtest/gtest.h>

namespace selvage::edge::runtime {
namespace {

TEST(PullProgress, IsFineWithoutAnError) {
    PullProgress progress;
    progress.feed("{\"status\":\"Pulling\"}\r\n{\"status\":\"Downloading\",\"progressDetail\":{\"current\":1}}\r\n");
    EXPECT_TRUE(progress.finish());
}

TEST(PullProgress, TellsTheEnginesWordsWhereverThePartsAreCut) {
    const std::string stream = "{\"status\":\"x\"}\n{\"errorDetail\":{\"message\":\"manifest unknown\"},\"error\":\"manifest unknown\"}";
    for (std::size_t step = 1; step < stream.size(); ++step) {
        PullProgress progress;
        for (std::size_t at = 0; at < stream.size(); at += step) progress.feed(std::string_view(stream).substr(at, step));
        const auto result = progress.finish();
        ASSERT_FALSE(result) << step;
        EXPECT_EQ(result.error().detail, "manifest unknown");
    }
}

TEST(PullProgress, SkipsALineThatIsTooLong) {
    PullProgress progress;
    progress.feed(std::string(100'000, 'x'));
    progress.feed("\n{\"error\":\"no space left\"}\n");
    const auto result = progress.finish();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().detail, "no space left");
}

}  // namespace
}  // namespace selvage::edge::runtime
