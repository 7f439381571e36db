"""
Names of aiokafka and Faust that `transport` and `columns` lean on, though nobody promised them.

The versions are pinned for their sake; a test looks each of them up and says which one has gone.
"""

PRIVATE_NAMES = (
    "aiokafka.consumer.fetcher:FetchResult._update_position",
    "aiokafka.consumer.fetcher:FetchResult.check_assignment",
    "aiokafka.consumer.fetcher:FetchResult.has_more",
    "aiokafka.consumer.fetcher:FetchError.check_raise",
    "aiokafka.consumer.fetcher:PartitionRecords._consume_aborted_up_to",
    "aiokafka.consumer.fetcher:PartitionRecords._contains_abort_marker",
    "aiokafka.consumer.fetcher:PartitionRecords#_records",
    "aiokafka.consumer.fetcher:PartitionRecords#_aborted_producers",
    "aiokafka.consumer.fetcher:PartitionRecords#_isolation_level",
    "aiokafka.consumer.fetcher:PartitionRecords#next_fetch_offset",
    "aiokafka.consumer.fetcher:Fetcher._create_fetch_waiter",
    "aiokafka.consumer.fetcher:Fetcher._notify",
    "aiokafka.consumer.fetcher:Fetcher._proc_fetch_request",
    "aiokafka.consumer.fetcher:Fetcher#_closed",
    "aiokafka.consumer.fetcher:Fetcher#_records",
    "aiokafka.consumer.fetcher:Fetcher#_subscriptions",
    "aiokafka.consumer.fetcher:Fetcher#_wait_consume_future",
    "aiokafka.consumer.consumer:AIOKafkaConsumer#_fetcher",
    "aiokafka.consumer.subscription_state:SubscriptionState.fetch_context",
    "aiokafka.consumer.subscription_state:SubscriptionState.reassignment_in_progress",
    "aiokafka.consumer.subscription_state:SubscriptionState.wait_for_assignment",
    "aiokafka.consumer.subscription_state:TopicPartitionState#highwater",
    "aiokafka.consumer.subscription_state:TopicPartitionState#timestamp",
    "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread._create_worker_consumer",
    "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread._ensure_consumer",
    "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread._fetch_records",
    "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread.getmany",
    "faust.transport.drivers.aiokafka:Consumer._new_consumer_thread",
    "faust.transport.consumer:Consumer._drain_messages",
    "faust.transport.consumer:Consumer.commit",
    "faust.transport.consumer:Consumer.force_commit",
    "faust.transport.consumer:Consumer.on_buffer_drop",
    "faust.transport.consumer:Consumer.on_buffer_full",
    "faust.transport.consumer:Consumer.on_task_error",
    "faust.transport.consumer:Consumer.perform_seek",
    "faust.transport.consumer:Consumer.verify_all_partitions_active",
    "faust.transport.consumer:Consumer#_read_offset",
    "faust.transport.consumer:Consumer#_unacked_messages",
)
"""`module:Class.name` for what a class has, `module:Class#name` for an attribute that its objects set."""
