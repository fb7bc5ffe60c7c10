# SPDX-License-Identifier: MIT
# The demo firmware. It uses include/ and the C library only; demo_HOST_SRCS not even include/.
demo_HOST_SRCS := $(addprefix examples/demo/,sha256.c text_count.c lz.c text.c)
demo_SRCS := examples/demo/main.c examples/demo/pipeline.c $(demo_HOST_SRCS)

# What each host test is made of. demo_pipeline.c includes pipeline.c and lz.c, demo_main.c main.c.
demo_SHIM := tests/unit/shim_weft_pthread.c
unit_demo_sha256_SRCS := tests/unit/demo_sha256.c examples/demo/sha256.c
unit_demo_text_count_SRCS := tests/unit/demo_text_count.c examples/demo/text_count.c
unit_demo_lz_SRCS := tests/unit/demo_lz.c examples/demo/lz.c
unit_demo_pipeline_SRCS := tests/unit/demo_pipeline.c $(demo_SHIM) examples/demo/sha256.c examples/demo/text_count.c
unit_demo_main_SRCS := tests/unit/demo_main.c $(demo_SHIM) examples/demo/pipeline.c $(demo_HOST_SRCS)
