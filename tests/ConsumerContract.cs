using System.Globalization;
using System.Reflection;
using MassTransit;

namespace Beacon.Testing;

/// <summary>
/// What a consumer is promised to bear: each message more than once, and messages in another order than they were sent in. What can be seen
/// afterwards must be the same whatever the bus did on the way.
/// </summary>
/// <param name="messages">How many messages the case has.</param>
/// <param name="begin">Makes what the case is about anew, and says how one of its messages is delivered, and what can be seen once all have come.</param>
internal sealed class ConsumerCase(int messages, Func<Task<(Func<int, Task> Deliver, Func<Task<string>> Observe)>> begin)
{
    /// <summary>The service's consumers of each message, which must be the cases that there are.</summary>
    public static IEnumerable<string> In(Assembly service) => service.GetTypes()
        .SelectMany(type => type.GetInterfaces()
            .Where(contract => contract.IsGenericType && contract.GetGenericTypeDefinition() == typeof(IConsumer<>))
            .Select(contract => $"{type.Name} of {contract.GenericTypeArguments[0].Name}"))
        .Order(StringComparer.Ordinal);

    public async Task AssertToleratesDuplicatesAndDisorderAsync(string expected)
    {
        var sent = Enumerable.Range(0, messages).ToArray();
        int[] backwards = [.. sent.Reverse()];
        int[][] deliveries = [sent, [.. sent.SelectMany(number => new[] { number, number })], [.. sent, .. sent], backwards, [.. backwards, .. sent, .. backwards]];
        foreach (var delivery in deliveries)
        {
            var (deliver, observe) = await begin();
            foreach (var number in delivery)
                await deliver(number);
            Assert.Equal((string.Join(' ', delivery), expected), (string.Join(' ', delivery), await observe()));
        }
    }
}

internal static class Delivery
{
    /// <summary>Brings a message to its consumer and waits until that is through with it.</summary>
    /// <param name="messageId">The same for each copy of a message.</param>
    public static async Task DeliverAsync<T>(this IBus bus, T message, Guid messageId) where T : class
    {
        var consumed = new ConsumeWatch<T>();
        using var handle = bus.ConnectConsumeMessageObserver(consumed);
        await bus.Publish(message, context => context.MessageId = messageId, TestContext.Current.CancellationToken);
        await consumed.Done.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
    }

    /// <summary>An id for each number of a case.</summary>
    public static Guid MessageId(Guid run, int number) => new([.. run.ToByteArray()[..12], .. BitConverter.GetBytes(number)]);

    public static string Text<T>(T value) where T : IFormattable => value.ToString(null, CultureInfo.InvariantCulture);

    private sealed class ConsumeWatch<T> : IConsumeMessageObserver<T> where T : class
    {
        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task PreConsume(ConsumeContext<T> context) => Task.CompletedTask;

        public Task PostConsume(ConsumeContext<T> context)
        {
            Done.TrySetResult();
            return Task.CompletedTask;
        }

        public Task ConsumeFault(ConsumeContext<T> context, Exception exception)
        {
            Done.TrySetException(exception);
            return Task.CompletedTask;
        }
    }
}
