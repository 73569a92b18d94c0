using Beacon.Simulator;

return Run(args, Console.Out, Console.Error);

static int Run(string[] args, TextWriter output, TextWriter errors)
{
    try
    {
        var options = Arguments.Parse(args);
        var report = options.Verb switch
        {
            "flash" => FlashCrowd.Run(options, errors),
            "churn" => Churn.Run(options, errors),
            "massfail" => Failures.Mass(options, errors),
            "superpeer" => Failures.SuperPeer(options, errors),
            "import" => Handover.Run(options, errors),
            "compare" => Comparison.Run(options, errors),
            _ => throw new UsageException($"There is no verb '{options.Verb}'."),
        };
        output.WriteLine(report.ToJsonString());
        return 0;
    }
    catch (UsageException exception)
    {
        errors.WriteLine(exception.Message);
        errors.WriteLine(Arguments.Usage);
        return 2;
    }
}
