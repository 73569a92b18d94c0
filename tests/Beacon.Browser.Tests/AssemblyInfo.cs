// Two cores carry one broadcaster and seven viewers that all decode, and no more: one test at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
