// Two cores carry one broadcaster and seven viewers that all decode, and no more: one test at a time.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.v3.ParallelizationMode.None)]
