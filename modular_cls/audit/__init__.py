"""What is wrong with a data set, before any training: audit.py looks, text.py tells.

The findings, by the names that scripts may rely on:

- errors: table, spelling, value, schema_spelling (the table and the schema); scarcity, empty_split,
  emptied_split, value_without_training, never_together, identity_across_test (labels); missing,
  misnamed, outside, unreadable, oversized, unscaled (files); conflicting_labels,
  duplicates_across_test (copies);
- warnings: unmeasured_split, few_training_images, untested, out_of_reach,
  uninformative_pool, unlabelled, identity_across_validation; tiny, one_colour, animated;
  duplicates_across_validation, duplicates_within_split, near_duplicates_across_test,
  near_duplicates_across_validation, near_duplicates_within_split;
- notes: schema_from_table, averaged, spellings, learned_from_parts, reachable, not_rgb,
  sixteen_bit, turned.
"""
