#include "heads/blob/block_list.h"

#include <gtest/gtest.h>

namespace selvage::heads::blob {
namespace {

using Blocks = std::vector<std::string>;

TEST(BlockList, IsReadAsClientsWriteIt) {
    EXPECT_EQ(read_block_list("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>"
                              "<BlockList><Latest>YQ==</Latest><Latest>YmM=</Latest></BlockList>"),
              (Blocks{"a", "bc"}));
    EXPECT_EQ(read_block_list("\xEF\xBB\xBF<?xml version='1.0'?>\r\n<BlockList>\n  <Uncommitted>YmM=</Uncommitted>\n"
                              "  <!-- again -->\n  <Latest> YQ== </Latest>\n</BlockList>\n"),
              (Blocks{"bc", "a"}));
    EXPECT_EQ(read_block_list("<BlockList/>"), Blocks{});
    EXPECT_EQ(read_block_list("<BlockList xmlns=\"x\"></BlockList>"), Blocks{});
}

TEST(BlockList, AllElseIsRefused) {
    struct Row {
        const char* xml;
        Errc want;
    };
    constexpr Row kRows[] = {{"", Errc::malformed},
                             {"<?xml", Errc::malformed},
                             {"<List/>", Errc::malformed},
                             {"<BlockList>", Errc::malformed},
                             {"<BlockList/><BlockList/>", Errc::malformed},
                             {"<BlockList><Latest>YQ==</BlockList>", Errc::malformed},
                             {"<BlockList><Latest>YQ==</Uncommitted></BlockList>", Errc::malformed},
                             {"<BlockList><Other>YQ==</Other></BlockList>", Errc::malformed},
                             {"<BlockList><!-- </BlockList>", Errc::malformed},
                             {"<BlockList><Latest></Latest></BlockList>", Errc::invalid_argument},
                             {"<BlockList><Latest>!!!</Latest></BlockList>", Errc::invalid_argument},
                             {"<BlockList><Committed>YQ==</Committed></BlockList>", Errc::not_found}};
    for (const auto& row : kRows) {
        const auto read = read_block_list(row.xml);
        ASSERT_FALSE(read) << row.xml;
        EXPECT_EQ(read.error().code, row.want) << row.xml;
    }
    std::string many = "<BlockList>";
    for (std::size_t i = 0; i <= kBlocksMax; ++i)
        many += "<Latest>YQ==</Latest>";
    EXPECT_EQ(read_block_list(many + "</BlockList>").error().code, Errc::invalid_argument);
    EXPECT_FALSE(read_block_id(std::string(88, 'A'))) << "66 bytes";
    EXPECT_TRUE(read_block_id(std::string(86, 'A') + "==")) << "64 bytes";
}

}  // namespace
}  // namespace selvage::heads::blob
