/*-------------------------------------------------------------------------
 *
 * image_sample.c
 *	  Bytes of an image, all of them or a sample; the plan of a sample.
 *
 * doc/hash.md says which bytes a sample has: the head, the tail and evenly
 * spaced blocks between.  Frozen, like the hashes of it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "content.h"
#include "image.h"
#include "sink.h"

#define SAMPLED_BYTES	UINT64CONST(0xffffffff) /* where the length would be */
#define SAMPLE_ENDS		4096	/* bytes read at the head and at the tail */
#define SAMPLE_BLOCK	1024	/* bytes in each block between */

/* ---- the plan ---- */

/* note that 'len' bytes from 'from' on are read; blocks may overlap */
static void
plan_read(StashPlan *plan, uint64 from, uint64 len)
{
	StashRange *last = plan->ranges + plan->nranges - 1;

	if (plan->is_skipping || len == 0)
		return;
	if (plan->nranges > 0 && from <= last->from + last->len)
	{
		last->len = from + len - last->from;
		return;
	}
	if (plan->nranges == plan->room)
	{
		plan->room *= 2;
		plan->ranges = repalloc_huge(plan->ranges,
									 plan->room * sizeof(StashRange));
	}
	plan->ranges[plan->nranges].from = from;
	plan->ranges[plan->nranges++].len = len;
}

static void
overflow_plan(StashSink *sink, const void *data, Size len)
{
	StashPlan  *plan = (StashPlan *) sink;

	plan_read(plan, plan->at, len);
	plan->at += len;
}

/*
 * Start a plan, whose ranges are allocated in the current memory context.
 */
void
stash_plan_init(StashPlan *plan)
{
	memset(plan, 0, sizeof(*plan));
	plan->sink.buf = plan->nothing;
	plan->sink.overflow = overflow_plan;
	plan->room = 128;
	plan->ranges = palloc(plan->room * sizeof(StashRange));
}

/* ---- bytes ---- */

/*
 * Put bytes of a content, which a plan only counts.
 */
void
stash_image_put_content(StashImageWriter *writer, StashContent *content,
						Size at, Size len)
{
	if (writer->plan != NULL)
		overflow_plan(writer->sink, NULL, len);
	else
		stash_content_put(content, at, len, writer->sink);
}

/*
 * True where only a sample of 'len' bytes is read, 'unit' of which count as
 * one for the threshold.  A sample is always less than the whole.
 */
bool
stash_image_is_sampled(const StashSampling *sampling, Size len, int unit)
{
	return sampling != NULL && len > (Size) sampling->threshold * unit &&
		len > 2 * SAMPLE_ENDS + (Size) sampling->samples * SAMPLE_BLOCK;
}

/*
 * Put a sample of the 'len' bytes from 'at' on: a mark that no exact image
 * has, the length, the head, evenly spaced blocks, the tail.
 */
void
stash_image_put_sample(StashImageWriter *writer, StashContent *content,
					   Size at, Size len)
{
	uint64		samples = writer->sampling->samples;
	uint64		gaps = len - 2 * SAMPLE_ENDS - SAMPLE_BLOCK;
	StashPlan  *plan = writer->plan;

	if (plan == NULL)
	{
		stash_sink_put_varint(writer->sink, SAMPLED_BYTES);
		stash_sink_put_varint(writer->sink, len);
		stash_sink_put_varint(writer->sink, samples);
		stash_content_put(content, at, SAMPLE_ENDS, writer->sink);
	}
	else
		plan_read(plan, plan->at, SAMPLE_ENDS);

	for (uint64 i = 1; i <= samples; i++)
	{
		Size		block = SAMPLE_ENDS + gaps * i / (samples + 1);

		if (plan == NULL)
			stash_content_put(content, at + block, SAMPLE_BLOCK, writer->sink);
		else
			plan_read(plan, plan->at + block, SAMPLE_BLOCK);
	}

	if (plan == NULL)
		stash_content_put(content, at + len - SAMPLE_ENDS, SAMPLE_ENDS,
						  writer->sink);
	else
	{
		plan_read(plan, plan->at + len - SAMPLE_ENDS, SAMPLE_ENDS);
		plan->at += len;
	}
}

/*
 * Write bytes(content), or its sample.
 */
void
stash_image_write_bytes(StashImageWriter *writer, StashContent *content)
{
	bool		sampled = stash_image_is_sampled(writer->sampling,
												 content->len, 8);

	if (!sampled || writer->plan != NULL)
		stash_sink_put_varint(writer->sink, content->len);
	if (sampled)
		stash_image_put_sample(writer, content, 0, content->len);
	else
		stash_image_put_content(writer, content, 0, content->len);
}
